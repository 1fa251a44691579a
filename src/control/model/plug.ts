/** Plugs vnics in on hosts, as a part of a draft: the vnic, its addresses, and a VNI for its subnet there. */
import type { FeatureName } from '#feed/features.ts'
import { kindOf } from '#resource/kinds.ts'
import { absent, at, del, put } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import { Draft } from './draft.ts'
import { find } from './find.ts'
import { checkFeatures } from './host-needs.ts'
import { exceptionKey, objectKey, placementKey } from './keys.ts'
import type { Known } from './mirror.ts'
import { recordOf } from './new-record.ts'
import { fieldProblem } from './problem.ts'
import { leftBy, migrationMs, type Binding, type Leaving, type ObjectRecord, type Stored } from './record.ts'
import { placementRules } from './rules/place.ts'
import { vnicRules } from './rules/vnic.ts'
import { uuidV7 } from './uuid.ts'

/** How long frames for a vnic go on from the host that it left: others may still send them there. */
export const forwardMs = 60_000
/** More hosts than this do not send the frames of one vnic on. */
const mostLeft = 16

/** Have a draft plug a vnic in on a host, or unplug it. Gives the vnic as it is then; undefined: it is so already. */
export function plug(draft: Draft, vnic: Stored, host: Stored | undefined, unit: Binding['unit']): ObjectRecord | undefined {
  const { record, modified } = vnic
  if (isSame(record.binding, host, unit)) return undefined
  if (host !== undefined) {
    draft.use(host)
    place(draft, draft.get('subnet', record.spec.subnet as string), host)
  }
  const next = bound(record, host?.record.id, unit, draft.now)
  const key = objectKey('vnic', record.id)
  draft.step({ condition: at(key, modified), write: put(key, JSON.stringify(next)) })
  draft.claim(vnicRules.claims!(next), vnicRules.claims!(record))
  forgetException(draft, record.id)
  return next
}

/** What failed where the vnic was is no matter any more. */
export function forgetException(draft: Draft, vnic: string): void {
  const key = exceptionKey(vnic)
  if (draft.mirror.claim(key) !== undefined) draft.writes.set(key, del(key))
}

const isSame = (binding: Binding | undefined, host: Stored | undefined, unit: Binding['unit']): boolean =>
  binding === undefined || host === undefined ? binding === host : binding.host === host.record.id && binding.unit === unit

/** Vnics that are plugged in on a host. */
export const boundTo = ({ mirror }: { readonly mirror: Known }, host: string): Stored[] =>
  mirror.objects.usersOf(host, 'vnic').filter(({ record }) => record.binding?.host === host)

/** The host that a request names, by name or id. Throws a Problem. */
export function hostOf({ mirror, ask: { caller } }: Draft, text: string): Stored {
  const found = find({ objects: mirror.objects, caller }, kindOf('host'), text)
  if (found.kind === 'one') return found.stored
  throw fieldProblem(
    'invalid',
    ['host'],
    found.kind === 'none' ? `there is no host ${text}` : `there are several hosts of the name ${text}`,
  )
}

/** Throws unless a host takes these vnics. `also`: what they need of it besides. */
export function checkHost(draft: Draft, host: Stored, vnics: readonly Stored[], also: readonly FeatureName[] = []): void {
  const { record } = host
  draft.use(host)
  const { schedulable, capacity } = record.spec as { schedulable: boolean; capacity: number }
  if (!schedulable) {
    const [why, wayOut] =
      record.drain === undefined
        ? ['', `vpc host set ${record.name} --schedulable=true`]
        : [' while it is drained', `vpc host undrain ${record.name}`]
    throw fieldProblem('invalid', ['host'], `host ${record.name} takes no new guests${why}; choose another host, or ${wayOut}`)
  }
  const count = boundTo(draft, record.id).length
  if (count + vnics.length > capacity)
    throw fieldProblem('exhausted', ['host'], `host ${record.name} has ${count} vnics, and takes ${capacity}; choose another host`)
  checkFeatures(draft, host, vnics, also)
}

/**
 * The subnet gets a VNI in the facility of the host, unless it has one, or this draft gives it one. `vni`: which; the
 * API chooses one if it is not given.
 */
export function place(draft: Draft, subnet: Stored, host: Stored, vni?: number): void {
  const facility = draft.get('facility', host.record.spec.facility as string)
  const there = draft.mirror.objects
    .usersOf(subnet.record.id, 'placement')
    .find(({ record }) => record.spec.facility === facility.record.id)
  if (there !== undefined) return draft.use(there)
  if (draft.writes.has(placementKey(subnet.record.id, facility.record.id))) return
  for (const each of [subnet, facility]) draft.use(each)
  const inner = new Draft({
    kind: kindOf('placement'),
    id: uuidV7(draft.now),
    ask: draft.ask,
    mirror: draft.mirror,
    before: undefined,
    spec: { subnet: subnet.record.id, facility: facility.record.id, vlan: 0, ...(vni !== undefined && { vni }) },
    inFlight: new Set([...draft.inFlight, ...draft.writes.keys()]),
  })
  const { org, account, vpc } = subnet.record
  inner.scope = { org, account, vpc }
  create(inner)
  for (const [key, condition] of inner.conditions) draft.conditions.set(key, condition)
  for (const [key, write] of inner.writes) draft.writes.set(key, write)
}

function create(placement: Draft): void {
  placementRules.settle!(placement)
  const record = recordOf(placement, { name: null, description: '', labels: {}, protected: false, spec: placement.spec }, undefined)
  const key = objectKey('placement', record.id)
  placement.step({ condition: absent(key), write: put(key, JSON.stringify(record)) })
  placement.claim(placementRules.claims!(record), [])
  writeAudit(placement, ['subnet', 'facility', 'vni'])
}

function bound(record: ObjectRecord, host: string | undefined, unit: Binding['unit'], now: number): ObjectRecord {
  const { binding: before, left: _, revision: __, closingUntil: ___, migration, ...rest } = record
  const epoch = (record.epoch ?? 0) + 1
  const left = host === undefined ? [] : leavings(record, before?.host, host, now)
  return {
    ...rest,
    epoch,
    ...(host !== undefined && { binding: { host, unit } }),
    ...(left.length > 0 && { left }),
    // Its guest may send for a moment from where it has come from.
    ...(before !== undefined &&
      migration?.phase === 'receive' &&
      migration.host === host && {
        migration: { host: before.host, phase: 'leave', ...(migration.until !== undefined && { until: now + migrationMs }) },
      }),
  }
}

/** All hosts that it was on lately: each sends frames on to where it is now, whatever it did in between. */
function leavings(record: ObjectRecord, before: string | undefined, host: string, now: number): Leaving[] {
  const fresh = before === undefined || before === host ? [] : [{ host: before, until: now + forwardMs }]
  const others = leftBy(record).filter((each) => each.host !== host && each.host !== before && each.until > now)
  return [...fresh, ...others].slice(0, mostLeft)
}
