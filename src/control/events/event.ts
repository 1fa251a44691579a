/** Makes events of what happened: each as somebody may hear it, and none of what one may not see. */
import type { CloudEvent } from '#resource/cloud-event.ts'
import type { Role } from '#resource/kind.ts'
import { findKind } from '#resource/kinds.ts'
import type { StateOf } from '../api/states.ts'
import type { Dropped } from '../feed/counters.ts'
import { allows, mayRead } from '../model/caller.ts'
import type { AuditRecord, ObjectRecord } from '../model/record.ts'
import type { Viewer } from '../model/view.ts'
import { Names } from '../path/names.ts'

const anyRole: readonly Role[] = ['viewer', 'operator', 'admin', 'auditor', 'host-admin']

/** Whether one may hear of a change; `foreign`: not by whom. */
function hearing(
  { caller, mirror }: Viewer,
  { kind: name, id, org = null, account = null, vpc = null }: AuditRecord,
): 'all' | 'foreign' | undefined {
  const kind = name === undefined ? undefined : findKind(name)
  if (kind === undefined) return undefined
  if (allows(caller, kind.read === 'everybody' ? anyRole : kind.read, { org, account, vpc })) return 'all'
  const stored = mirror.objects.get(kind.kind, id!)
  if (kind.read === 'everybody') return 'foreign'
  return stored !== undefined && mayRead(caller, mirror.objects, stored) ? 'foreign' : undefined
}

/** The event of a change; undefined: it is not for this one to hear. */
export function changeEvent(viewer: Viewer, audit: AuditRecord): CloudEvent | undefined {
  const heard = hearing(viewer, audit)
  if (heard === undefined) return undefined
  const { time, kind, id, request, principal, fields = [], before, hosts } = audit
  const record = viewer.mirror.objects.get(kind!, id!)?.record
  const event = before === null ? 'created' : fields.length === 0 ? 'destroyed' : 'changed'
  // What it is called now, or was at its end.
  const name = record === undefined ? (audit.name ?? null) : nameOf(viewer, record)
  // A vnic that was unplugged was last where the record says.
  const host = hosts === undefined ? record?.binding?.host : (hosts[1] ?? hosts[0])
  return {
    time,
    event,
    kind: kind!,
    id: id!,
    name,
    account: audit.account ?? null,
    vpc: audit.vpc ?? null,
    host: thing(viewer, 'host', host),
    request: heard === 'all' ? request : null,
    by: heard === 'all' ? thing(viewer, 'principal', principal) : null,
    fields,
    ...(hosts !== undefined && { state: hosts[1] === null ? 'unplugged' : 'plugged' }),
  }
}

/** The event of a state. The caller may read the thing: that was checked. `request`: the last one that changed it. */
export function stateEvent(viewer: Viewer, of: StateOf, request: string | null): CloudEvent {
  const {
    state,
    late,
    problem,
    stored: { record },
  } = of
  const kind = findKind(record.kind)!
  const mayKnow = allows(viewer.caller, kind.read === 'everybody' ? anyRole : kind.read, record)
  return { ...about(viewer, record), event: 'state', request: mayKnow ? request : null, state, late, problem: problem ?? null }
}

/** The event of dropped packets; undefined: what dropped them has gone, or is not for this one to see. */
export function dropEvent(
  viewer: Viewer,
  { kind, id }: Pick<Dropped, 'kind' | 'id'>,
  since: number,
  drops: CloudEvent['drops'] & {},
): CloudEvent | undefined {
  const { objects } = viewer.mirror
  const stored = objects.get(kind, id)
  if (stored === undefined || !mayRead(viewer.caller, objects, stored)) return undefined
  const event = kind === 'nat' ? 'nat-exhausted' : 'drops'
  return { ...about(viewer, stored.record), event, request: null, drops, since: new Date(since).toISOString() }
}

function about(viewer: Viewer, record: ObjectRecord): Omit<CloudEvent, 'event' | 'request'> {
  const { kind, id, account, vpc, binding } = record
  const time = new Date(viewer.now).toISOString()
  return { time, kind, id, name: nameOf(viewer, record), account, vpc, host: thing(viewer, 'host', binding?.host), by: null }
}

const nameOf = (viewer: Viewer, record: ObjectRecord): string | null => (record.name === null ? null : new Names(viewer).path(record))

/** What an id means; without a name where the caller may not read it. */
function thing({ mirror, caller }: Viewer, kind: string, id: string | null | undefined): CloudEvent['by'] {
  if (id === null || id === undefined) return null
  const stored = mirror.objects.get(kind, id)
  return { id, name: stored !== undefined && mayRead(caller, mirror.objects, stored) ? stored.record.name : null }
}
