/** An object as its reader sees it. */
import type { Resource, Stamp } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { allows, isFleet, mayRead, type Caller } from './caller.ts'
import { hostView } from './host-life.ts'
import { lastUsed } from './last-use.ts'
import type { Mirror } from './mirror.ts'
import { usageOf } from './quota.ts'
import { isClosing, revisionOf, type ObjectRecord, type Stored } from './record.ts'
import { rulesOf } from './rules/all.ts'
import { sharedProblem } from './shared-problem.ts'
import { problemOf } from './vnic-state.ts'

export interface Viewer {
  readonly mirror: Mirror
  readonly caller: Caller
  readonly now: number
}

/** What a reader sees. The caller may read it: that was checked. */
export function view(viewer: Viewer, stored: Stored): Resource {
  const { record } = stored
  const kind = kindOf(record.kind)
  const isForeign = !allows(
    viewer.caller,
    kind.read === 'everybody' ? ['viewer', 'operator', 'admin', 'auditor', 'host-admin'] : kind.read,
    record,
  )
  const spec = Object.fromEntries(Object.keys(kind.fields).map((name) => [name, record.spec[name] ?? null]))
  const { id, name, description, labels, account, org, vpc } = record
  return {
    id,
    kind: record.kind,
    name,
    description: isForeign && kind.read !== 'everybody' ? '' : description,
    labels: isForeign && kind.read !== 'everybody' ? {} : labels,
    protected: record.protected,
    // The walls that it stands behind, where that is not a field.
    ...(account !== null && kind.kind !== 'account' && { account }),
    ...(org !== null && kind.kind === 'role-binding' && { org }),
    ...(vpc !== null && kind.kind !== 'vpc' && { vpc }),
    ...spec,
    ...(isForeign && redacted(viewer, record)),
    ...(kind.kind === 'host' && hostView(record, viewer)),
    ...(kind.kind === 'account' && { usage: usageOf(viewer.mirror, record) }),
    ...(kind.kind === 'token' && { lastUsed: lastUsed(viewer.mirror, id) }),
    ...(kind.kind === 'vnic' && { binding: bindingOf(record), problem: problemOf(viewer.mirror, record) ?? null }),
    ...(kind.kind !== 'vnic' && kind.status?.includes('problem') && { problem: sharedProblem(viewer.mirror, record) ?? null }),
    state: stateOf(viewer, record),
    revision: revisionOf(stored),
    generation: record.generation,
    created: stamp(record.created, isForeign),
    updated: stamp(record.updated, isForeign),
  }
}

const stamp = (given: Stamp, isForeign: boolean): Stamp => (isForeign ? { time: given.time, by: 'another', request: '' } : given)

const bindingOf = ({ binding, epoch }: ObjectRecord): object | null => (binding === undefined ? null : { ...binding, epoch })

/** A pool's accounts are shown to those accounts alone. */
function redacted({ caller, mirror }: Viewer, { kind, spec }: ObjectRecord): object {
  if (kind !== 'pool' || isFleet(caller, kindOf('pool').read as never)) return {}
  const own = (spec.accounts as string[]).filter((id) => {
    const account = mirror.objects.get('account', id)
    return account !== undefined && mayRead(caller, mirror.objects, account)
  })
  return { accounts: own }
}

/** What an object is doing. */
export function stateOf({ mirror, now }: Pick<Viewer, 'mirror' | 'now'>, record: ObjectRecord): string {
  if (isClosing(record, now)) return 'closing'
  return rulesOf(record.kind).state?.(record, { mirror, now }) ?? 'ok'
}
