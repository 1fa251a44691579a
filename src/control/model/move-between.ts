/** Whether a guest that runs may move between two facilities: packets of its subnets must pass between them. */
import { isFree } from './claims.ts'
import type { Draft } from './draft.ts'
import { vniKey } from './keys.ts'
import { fieldProblem, type Problem } from './problem.ts'
import type { Stored } from './record.ts'
import { Transits } from './transits.ts'

/**
 * The VNIs that subnets get in the facility of another host: those that they have here, since packets cross a transit
 * with the VNI that they have. Throws a Problem where no transits lead there and back, or a subnet cannot have its VNI
 * there: guests that stay would no longer reach this one.
 */
export function vnisFor(draft: Draft, subnets: readonly Stored[], from: Stored, to: Stored): ReadonlyMap<string, number> {
  const transits = new Transits()
  transits.load(draft.mirror)
  const [here, there] = [from, to].map(({ record }) => draft.get('facility', record.spec.facility as string)) as [Stored, Stored]
  const refusal = (why: string): Problem =>
    fieldProblem(
      'invalid',
      ['host'],
      `host ${to.record.name} is in facility ${there.record.name}, ${why}, or stop the guest to move it there`,
    )
  const ways = [transits.between(here.record.id, there.record.id), transits.between(there.record.id, here.record.id)]
  const [first, second] = ways.map((way, i) => ({ way, ends: i === 0 ? [here, there] : [there, here] }))
  for (const { way, ends } of [first!, second!]) {
    if (way !== undefined) draft.use(draft.get('transit', way.id))
    else {
      const [a, b] = ends.map(({ record }) => record.name)
      throw refusal(
        `and no transit leads from facility ${a} to facility ${b}; make one (vpc transit create ${a}-to-${b} --from=${a} --to=${b})`,
      )
    }
  }
  return new Map(
    subnets.map(({ record: { id, name } }) => {
      const [place, other] = [here, there].map((facility) => transits.placeOf(id, facility.record.id))
      const vni = place?.vni
      const isHis = other?.vni === vni || other === undefined
      const key = vniKey(there.record.id, vni ?? 0)
      const isPlaced = transits.isPlaced(id, there.record.id)
      const isOpen = isPlaced || isFree(draft.mirror.claim(key), key, draft.now)
      if (vni === undefined || place!.isApart || other?.isApart === true || !isHis || !isOpen)
        throw refusal(`where subnet ${name} cannot have its VNI ${vni ?? ''}; free that VNI there`)
      return [id, vni]
    }),
  )
}
