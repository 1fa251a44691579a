/** Rules of facilities, zones, hosts and placements: what exists once in a facility. */
import { ipFrom } from '#wire/ip-address.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import { numbers } from '../candidates.ts'
import type { Claim } from '../claims.ts'
import type { Draft } from '../draft.ts'
import { onceKey, placementKey, vlanKey, vniKey } from '../keys.ts'
import { hostState } from '../host-life.ts'
import { Problem } from '../problem.ts'
import type { Rules } from './rules.ts'
import { guard } from './subnet.ts'

export const facilityRules: Rules = {
  settle(draft) {
    const { vniFirst, vniLast } = draft.spec as { vniFirst: number; vniLast: number }
    if (vniFirst > vniLast)
      throw draft.problem('invalid', ['vniLast'], `the range of VNIs ends (${vniLast}) before it begins (${vniFirst})`)
  },
}

export const transitRules: Rules = {
  settle(draft) {
    if (draft.spec.from === draft.spec.to)
      throw draft.problem('invalid', ['to'], 'a transit leads to another facility; hosts of one facility need none')
  },
  claims: ({ id, spec: { from, to } }) => [
    {
      key: onceKey('transit', String(from), String(to)),
      value: { kind: 'transit', id },
      what: 'the way from this facility to that one',
      code: 'taken',
      path: ['to'],
    },
  ],
  // Each host takes packets from hosts alone that it sends to.
  state: ({ spec: { from, to } }, { mirror: { objects } }) =>
    objects.usersOf(to as string, 'transit').some(({ record: { spec } }) => spec.from === to && spec.to === from) ? 'ok' : 'one-way',
}

export const azRules: Rules = {
  claims: ({ id, spec: { region, letter } }) => [
    {
      key: onceKey('az', String(region), String(letter)),
      value: { kind: 'az', id },
      what: `letter ${String(letter)}`,
      code: 'taken',
      path: ['letter'],
    },
  ],
}

export const hostRules: Rules = {
  settle(draft) {
    checkWires(draft)
    const az = draft.text('az')
    if (az === undefined || draft.before !== undefined) return
    const { region } = draft.get('facility', draft.text('facility')!).record.spec
    if (draft.get('az', az).record.spec.region !== region) throw draft.problem('invalid', ['az'], 'it is not in the region of the facility')
  },
  claims: ({ id, spec }) =>
    (spec.underlay as { address: string }[]).map(({ address }, i): Claim => ({
      key: onceKey('underlay', address),
      value: { kind: 'host', id },
      what: address,
      code: 'address-taken',
      path: ['underlay', i, 'address'],
    })),
  state: (record, at) => hostState(record, at),
  refuseDestroy({ agent, drain, name }) {
    if (agent === undefined || drain !== undefined) return undefined
    return new Problem('busy', `host ${name} has not been drained, and its guests may run`, {
      hint: `vpc host drain ${name}; or, when the machine is dead: vpc host evacuate ${name}`,
    })
  },
}

export const placementRules: Rules = {
  settle(draft) {
    const facility = draft.get('facility', draft.text('facility')!)
    const { vniFirst, vniLast } = facility.record.spec as { vniFirst: number; vniLast: number }
    draft.spec.vni ??= draft.before?.record.spec.vni
    if (draft.spec.vni !== undefined) return
    // Two first placements of a subnet must not miss each other: packets cross a transit with one VNI.
    guard(draft, draft.text('subnet')!, 'placements')
    const vni = draft.pick(candidates(draft, vniFirst, vniLast), (each) => vniKey(facility.record.id, each))
    if (vni === undefined)
      throw draft.problem('exhausted', ['vni'], `facility ${facility.record.name} has no free VNI; widen vniFirst to vniLast`)
    draft.spec.vni = draft.allocate('vni', vni)
  },
  claims({ id, spec }) {
    const { subnet, facility, vni, vlan } = spec as { subnet: string; facility: string; vni: number; vlan: number }
    const value = { kind: 'placement', id }
    return [
      {
        key: placementKey(subnet, facility),
        value,
        what: 'the place of the subnet in this facility',
        code: 'taken',
        path: ['facility'],
      },
      { key: vniKey(facility, vni), value, what: `VNI ${vni}`, code: 'taken', path: ['vni'] },
      ...(vlan === 0 ? [] : [{ key: vlanKey(facility, vlan), value, what: `tag ${vlan}`, code: 'taken' as const, path: ['vlan'] }]),
    ]
  },
}

/** How often a placement asks at most whether a facility uses a VNI: many facilities may have used up a small range. */
const mostLooks = 10_000

/**
 * The VNI that the subnet has elsewhere, then those that no facility uses, then any. The second ones are worth a search
 * and no more: they leave room for transits that nobody has made yet.
 */
function* candidates(draft: Draft, first: number, last: number): Generator<number> {
  const { objects } = draft.mirror
  for (const { record } of objects.usersOf(draft.text('subnet')!, 'placement')) {
    const vni = record.spec.vni as number
    if (vni >= first && vni <= last) yield vni
  }
  const facilities = [...objects.ids('facility')]
  let looks = 0
  const isUsed = (vni: number): boolean =>
    facilities.some((id) => {
      looks++
      return draft.mirror.claim(vniKey(id, vni)) !== undefined
    })
  for (const vni of numbers(first, last)) {
    if (!isUsed(vni)) yield vni
    if (looks >= mostLooks) break
  }
  yield* numbers(first, last)
}

/** The next router on a wire has an address of its own, which no guest may get. */
function checkWires(draft: Draft): void {
  const wires = draft.spec.wires as { pool: string; gateway4?: string }[]
  for (const [i, { pool, gateway4 }] of wires.entries()) {
    if (wires.findIndex((each) => each.pool === pool) !== i)
      throw draft.problem('invalid', ['wires', i, 'pool'], 'another wire of this host has the pool')
    const { name, spec } = draft.get('pool', pool).record
    if (gateway4 !== undefined && contains(prefixFrom(spec.prefix as string), ipFrom(gateway4)))
      throw draft.problem(
        'invalid',
        ['wires', i, 'gateway4'],
        `${gateway4} is in ${String(spec.prefix)} of pool ${name}, whose addresses guests get; make the pool without it`,
      )
  }
}
