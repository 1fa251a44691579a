/** What refuses a document as a whole, before anything is done. */
import { atPath, type HostFile, type ObjectSpec } from '#abi/host-file.ts'
import type { Context } from '../context.ts'
import { unitName, type VpcObject } from '../store/model.ts'
import { VpcError } from '../vpc-error.ts'
import type { Comparison } from './compare.ts'

/** A document of an owner neither changes nor removes an object of another owner. */
export function* checkOwners({ model }: Context, { owner }: HostFile, { wanted, gone }: Comparison): Generator<void, void> {
  if (owner === null) return
  for (const { id, path } of wanted.values()) {
    yield
    const found = model.objects.get(id)
    if (found === undefined || found.owner === null || found.owner === owner) continue
    throw new VpcError(
      'EBUSY',
      atPath(path, `${unitName(found)} is ${found.owner}'s; leave it out, or take it over with vpc apply of the host`),
    )
  }
  for (const sw of gone) {
    const port = sw.type === 'vpcsw' ? [...sw.ports].find((each) => !gone.has(each) && !wanted.has(each.id)) : undefined
    if (port !== undefined)
      throw new VpcError(
        'EBUSY',
        `cannot remove ${unitName(sw)}: its port ${unitName(port)} is ${port.owner === null ? 'nobody' : port.owner}'s`,
      )
  }
}

/** A unit number stays with its object, and a new object can have one that is free or becomes so. */
export function* checkUnits({ model }: Context, { wanted, gone }: Comparison): Generator<void, void> {
  for (const spec of wanted.values()) {
    yield
    if (spec.unit === null) continue
    const found = model.objects.get(spec.id)
    if (found?.unit === spec.unit) continue
    const asked = `${spec.type}${spec.unit}`
    if (found !== undefined)
      refuseAt(
        spec,
        `${spec.id} is ${unitName(found)} on this host, and a unit name is for life`,
        `write ${unitName(found)}, or leave it out`,
      )
    const holder: VpcObject | undefined = model.byType[spec.type].get(spec.unit)
    if (holder === undefined || gone.has(holder)) continue
    refuseAt(spec, `${asked} is ${holder.id} on this host`, 'choose another, or leave it out')
  }
}

/** A document that may not remove is refused, with what it would remove. */
export function checkPruned({ prune, partial }: HostFile, { gone }: Comparison): void {
  if (prune || partial || gone.size === 0) return
  const units = [...gone].map(unitName)
  const named = units.length > 10 ? [...units.slice(0, 10), `${units.length - 10} more`] : units
  throw new VpcError('ENOTEMPTY', `the document lacks ${named.join(', ')}, which are on this host; 'prune: true' removes them`)
}

function refuseAt({ path, type, unit }: ObjectSpec, why: string, remedy: string): never {
  throw new VpcError('EBUSY', atPath(`${path}.unit`, `cannot make it ${type}${unit}: ${why}; ${remedy}`))
}
