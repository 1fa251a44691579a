/**
 * Bindings: which host a vnic is plugged in on. A binding is status, not spec: it changes the vnic's revision, but not
 * its generation. The vnic's epoch rises each time it is plugged in, moved or unplugged; the highest one counts.
 */
import { kindOf } from '#resource/kinds.ts'
import { absent } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import { forbidden } from './build.ts'
import { mayRead, mayWrite } from './caller.ts'
import { Closing, type Ask, type Draft } from './draft.ts'
import { notFound, type Model, type Written } from './model.ts'
import { checkHost, hostOf, plug } from './plug.ts'
import { Problem } from './problem.ts'
import { isClosing, type Binding, type Stored } from './record.ts'
import { vmKey } from './rules/vm.ts'

export interface BindRequest {
  /** Id of the vnic. */
  readonly id: string
  /** Name or id of a host; undefined unplugs. */
  readonly host: string | undefined
  readonly unit: Binding['unit']
  readonly ask: Ask
}

/** Plug a vnic in on a host, move it to another one, or unplug it. */
export function bind(model: Model, request: BindRequest): Promise<Written> {
  model.counts.requests++
  return model.attempt(async () => {
    const vnic = vnicOf(model, request)
    const { record, modified } = vnic
    const draft = model.draft(kindOf('vnic'), request.id, request.ask, vnic, record.spec)
    draft.scope = record
    checkAlone(draft)
    const host = request.host === undefined ? undefined : hostOf(draft, request.host)
    if (host !== undefined && record.binding?.host !== host.record.id) checkHost(draft, host, [vnic])
    const next = plug(draft, vnic, host, request.unit)
    if (next === undefined) return { stored: vnic, outcome: 'same' as const, allocated: [] }
    writeAudit(draft, ['binding'], { hosts: [record.binding?.host ?? null, next.binding?.host ?? null] })
    const revision = request.ask.isDryRun ? modified : await model.commit(draft)
    return revision === undefined ? undefined : { stored: { record: next, modified: revision }, outcome: 'changed' as const, allocated: [] }
  })
}

/** A vnic in a guest is where the guest is. */
function checkAlone(draft: Draft): void {
  const guest = draft.mirror.objects.usersOf(draft.id, 'vm')[0]?.record
  if (guest === undefined) return void draft.conditions.set(vmKey(draft.id), absent(vmKey(draft.id)))
  const { kind, id, name } = guest
  throw new Problem('in-use', `the vnic is in vm ${name}, and is plugged in where that runs`, {
    users: [{ kind, id, name }],
    count: 1,
    hint: 'set the host of the vm, or take the vnic out of its vnics',
  })
}

function vnicOf({ mirror }: Model, { id, ask: { caller, now } }: BindRequest): Stored {
  const kind = kindOf('vnic')
  const stored = mirror.objects.get('vnic', id)
  if (stored === undefined || !mayRead(caller, mirror.objects, stored)) throw notFound(kind, id)
  if (!mayWrite(caller, kind, stored.record)) throw forbidden(kind)
  if (isClosing(stored.record, now)) throw new Closing('busy', 'the vnic is being destroyed', { retryAfter: 1 })
  return stored
}
