/**
 * Bindings: which host a vnic is plugged in on. A binding is status, not spec: it changes the vnic's revision, but not
 * its generation. The vnic's epoch rises each time it is plugged in, moved or unplugged; the highest one counts.
 */
import { kindOf } from '#resource/kinds.ts'
import { at, put } from '../store/store.ts'
import { auditRecord } from './audit.ts'
import { build, forbidden } from './build.ts'
import { fleetScope, mayRead, mayWrite, type Caller } from './caller.ts'
import { Closing, type Ask, type Draft } from './draft.ts'
import { find } from './find.ts'
import { objectKey } from './keys.ts'
import { notFound, type Model, type Written } from './model.ts'
import { fieldProblem } from './problem.ts'
import type { Binding, ObjectRecord, Stored } from './record.ts'
import { rulesOf } from './rules/all.ts'
import { uuidV7 } from './uuid.ts'

export interface BindRequest {
  /** Id of the vnic. */
  readonly id: string
  /** Name or id of a host; undefined unplugs. */
  readonly host: string | undefined
  readonly unit: Binding['unit']
  readonly ask: Ask
}

/** How long frames for a vnic go on from the host that it left: others may still send them there. */
export const forwardMs = 60_000

/** Plug a vnic in on a host, move it to another one, or unplug it. */
export function bind(model: Model, request: BindRequest): Promise<Written> {
  model.counts.requests++
  return model.attempt(async () => {
    const vnic = vnicOf(model, request)
    const { record } = vnic
    const draft = model.draft(kindOf('vnic'), request.id, request.ask, vnic, record.spec)
    draft.scope = record
    const host = request.host === undefined ? undefined : hostOf(draft, request.host)
    if (isSame(record.binding, host, request.unit)) return { stored: vnic, outcome: 'same' as const, allocated: [] }
    if (host !== undefined) checkHost(draft, host)
    if (host !== undefined) place(model, draft, host)
    const next = bound(record, host?.record.id, request.unit, request.ask.now)
    const key = objectKey('vnic', request.id)
    draft.step({ condition: at(key, vnic.modified), write: put(key, JSON.stringify(next)) })
    const { claims } = rulesOf('vnic')
    draft.claim(claims!(next), claims!(record))
    const audit = auditRecord(draft, ['binding'], 'done')
    draft.writes.set(audit.key, put(audit.key, audit.value))
    if (request.ask.isDryRun) return { stored: { record: next, modified: vnic.modified }, outcome: 'changed' as const, allocated: [] }
    const revision = await model.commit(draft)
    return revision === undefined ? undefined : { stored: { record: next, modified: revision }, outcome: 'changed' as const, allocated: [] }
  })
}

function vnicOf({ mirror }: Model, { id, ask: { caller, now } }: BindRequest): Stored {
  const kind = kindOf('vnic')
  const stored = mirror.objects.get('vnic', id)
  if (stored === undefined || !mayRead(caller, mirror.objects, stored)) throw notFound(kind, id)
  if (!mayWrite(caller, kind, stored.record)) throw forbidden(kind)
  if (stored.record.closingUntil !== undefined && stored.record.closingUntil > now)
    throw new Closing('busy', 'the vnic is being destroyed', { retryAfter: 1 })
  return stored
}

function hostOf({ mirror, ask: { caller } }: Draft, text: string): Stored {
  const found = find({ objects: mirror.objects, caller }, kindOf('host'), text)
  if (found.kind === 'one') return found.stored
  throw fieldProblem(
    'invalid',
    ['host'],
    found.kind === 'none' ? `there is no host ${text}` : `there are several hosts of the name ${text}`,
  )
}

const isSame = (binding: Binding | undefined, host: Stored | undefined, unit: Binding['unit']): boolean =>
  binding === undefined || host === undefined ? binding === host : binding.host === host.record.id && binding.unit === unit

/** Vnics that are plugged in on a host. */
export const boundTo = ({ mirror }: Pick<Model, 'mirror'>, host: string): Stored[] =>
  mirror.objects.usersOf(host).filter(({ record }) => record.binding?.host === host)

function checkHost(draft: Draft, host: Stored): void {
  const { record } = host
  draft.use(host)
  const { schedulable, capacity } = record.spec as { schedulable: boolean; capacity: number }
  if (!schedulable) throw fieldProblem('invalid', ['host'], `host ${record.name} takes no new guests; choose another, or set schedulable`)
  const others = boundTo(draft, record.id).filter(({ record: { id } }) => id !== draft.id)
  if (others.length >= capacity)
    throw fieldProblem('exhausted', ['host'], `host ${record.name} has ${others.length} vnics, and takes ${capacity}; choose another host`)
}

/** The subnet gets a VNI in the facility of the host, unless it has one. */
function place(model: Model, draft: Draft, host: Stored): void {
  const subnet = draft.get('subnet', draft.text('subnet')!)
  const facility = draft.get('facility', host.record.spec.facility as string)
  const there = draft.mirror.objects
    .usersOf(subnet.record.id)
    .find(({ record }) => record.kind === 'placement' && record.spec.facility === facility.record.id)
  if (there !== undefined) return draft.use(there)
  const inner = model.draft(kindOf('placement'), uuidV7(draft.now), { ...draft.ask, caller: operator(draft.ask.caller) }, undefined, {
    subnet: subnet.record.id,
    facility: facility.record.id,
    vlan: 0,
  })
  build(inner, { name: null, description: '', labels: {}, protected: false, spec: inner.spec })
  for (const [key, condition] of inner.conditions) draft.conditions.set(key, condition)
  for (const [key, write] of inner.writes) draft.writes.set(key, write)
}

/** Placements are the operator's, but follow from what tenants do. */
const operator = (caller: Caller): Caller => ({ ...caller, grants: [...caller.grants, { ...fleetScope, role: 'admin' }] })

function bound(record: ObjectRecord, host: string | undefined, unit: Binding['unit'], now: number): ObjectRecord {
  const { binding: before, left: _, revision: __, closingUntil: ___, ...rest } = record
  const epoch = (record.epoch ?? 0) + 1
  const left = before === undefined || before.host === host ? undefined : { host: before.host, until: now + forwardMs }
  return {
    ...rest,
    epoch,
    ...(host !== undefined && { binding: { host, unit } }),
    ...(left !== undefined && host !== undefined && { left }),
  }
}
