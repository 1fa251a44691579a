/**
 * Guests that move while they run. Both hosts have the interface meanwhile: the new one out of service, then in
 * service; then the guest is placed there, and the old one lets it send and brings it nothing, until the end.
 */
import { kindOf } from '#resource/kinds.ts'
import { at, put } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import type { Ask, Draft } from './draft.ts'
import { objectKey } from './keys.ts'
import type { Model, Written } from './model.ts'
import { vnisFor } from './move-between.ts'
import { checkHost, hostOf, place } from './plug.ts'
import { fieldProblem } from './problem.ts'
import { migrationMs, type Migration, type ObjectRecord, type Stored } from './record.ts'

const vm = kindOf('vm')

export interface MigrationRequest {
  /** The vm, which the caller may change. */
  readonly stored: Stored
  /** Undefined ends it: where the guest is placed, it is. Without a phase it begins, or goes on as it is. */
  readonly wanted: { readonly host: string; readonly phase: 'prepare' | 'receive' | undefined } | undefined
  readonly ask: Ask
}

/**
 * Have all vnics of a guest on their way to another host, one step further, or on their way no more. A step that is
 * asked for again says that the move goes on.
 */
export function migrate(model: Model, { stored, wanted, ask }: MigrationRequest): Promise<Written> {
  model.counts.requests++
  return model.attempt(async () => {
    const { record } = model.mirror.objects.get('vm', stored.record.id) ?? stored
    const draft = model.draft(vm, record.id, ask, stored, record.spec)
    draft.scope = record
    draft.use(stored)
    const vnics = (record.spec.vnics as readonly string[]).map((id) => draft.get('vnic', id))
    const next = wanted === undefined ? undefined : stepOf(draft, record, vnics, wanted)
    const changed = vnics.filter((vnic) => JSON.stringify(vnic.record.migration) !== JSON.stringify(next))
    if (changed.length === 0) return { stored, outcome: 'same' as const, allocated: [] }
    // Nobody has asked for anything else: the move goes on.
    const isRenewal = changed.every(({ record: { migration } }) => migration?.host === next?.host && migration?.phase === next?.phase)
    for (const vnic of changed) change(draft, vnic, next, isRenewal)
    if (!isRenewal) writeAudit(draft, ['migration'])
    const revision = ask.isDryRun ? stored.modified : await model.commit(draft)
    return revision === undefined ? undefined : { stored, outcome: 'changed' as const, allocated: [] }
  })
}

/** What is asked for, if it can be done. */
function stepOf(
  draft: Draft,
  { name, spec }: ObjectRecord,
  vnics: readonly Stored[],
  { host, phase: asked }: NonNullable<MigrationRequest['wanted']>,
): Migration {
  const to = hostOf(draft, host)
  const until = draft.now + migrationMs
  // It is placed there already, and goes on.
  const leaving = vnics[0]?.record.migration
  // A word without a phase is one that it goes on: a command that has said so once says it again.
  const isRenewed = asked === undefined || (leaving?.host === to.record.id && leaving.until !== undefined)
  if (spec.host === to.record.id && leaving?.phase === 'leave')
    return { ...leaving, ...((asked === undefined || leaving.until !== undefined) && { until }) }
  if (spec.host === undefined)
    throw fieldProblem('invalid', ['host'], `vm ${name} is on no host, so there is nothing to move; set its host`)
  if (spec.host === to.record.id) throw fieldProblem('invalid', ['host'], `vm ${name} is on host ${to.record.name} already`)
  const isPrepared = vnics.every(({ record }) => record.migration?.host === to.record.id && record.migration.phase !== 'leave')
  const phase = asked ?? (isPrepared ? (vnics[0]?.record.migration?.phase ?? 'prepare') : 'prepare')
  if (phase === 'receive' && !isPrepared)
    throw fieldProblem('invalid', ['phase'], `vm ${name} is not prepared to move to host ${to.record.name}; begin with phase prepare`)
  if (!isPrepared) {
    const from = draft.get('host', spec.host as string)
    checkHost(draft, to, vnics, ['moves of running guests'])
    const subnets = vnics.map(({ record }) => draft.get('subnet', record.spec.subnet as string))
    const isFar = from.record.spec.facility !== to.record.spec.facility
    const vnis = isFar ? vnisFor(draft, subnets, from, to) : undefined
    for (const subnet of subnets) place(draft, subnet, to, vnis?.get(subnet.record.id))
  }
  return { host: to.record.id, phase, ...(isRenewed && { until }) }
}

function change(draft: Draft, { record, modified }: Stored, migration: Migration | undefined, isRenewal: boolean): void {
  const { migration: _, revision = modified, ...rest } = record
  const key = objectKey('vnic', record.id)
  const after = { ...rest, ...(migration !== undefined && { migration }), ...(isRenewal && { revision }) }
  draft.step({ condition: at(key, modified), write: put(key, JSON.stringify(after)) })
}
