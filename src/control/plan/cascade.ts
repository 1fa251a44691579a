/**
 * Destroys a vpc or an account with all that is in it, in an order that works. Repeating it after a crash goes on.
 * Public addresses stay the account's when a vpc goes: they point nowhere then.
 */
import { kindOf } from '#resource/kinds.ts'
import { mayRead } from '../model/caller.ts'
import type { Ask } from '../model/draft.ts'
import type { Model } from '../model/model.ts'
import { Overlay } from '../model/overlay.ts'
import { Problem } from '../model/problem.ts'
import type { Stored } from '../model/record.ts'
import { memberKinds } from './members.ts'
import { buildOperation, clearing, destroyOf, laterOf, rewriting, type Operation } from './operation.ts'
import { Run } from './run.ts'

/** How much goes along: what is plugged in stops it, or is unplugged. */
export type Cascade = 'unused' | 'unplug'

export interface Fallen {
  readonly action: 'destroy' | 'change' | 'unplug'
  readonly kind: string
  readonly name: string | null
  readonly id: string
}

/** Destroy a thing and what is in it. Gives what goes along, the thing last. When it throws, nothing was done. */
export async function destroyWhole(
  model: Model,
  ask: Ask,
  { kind, id }: { readonly kind: string; readonly id: string },
  cascade: Cascade,
): Promise<Fallen[]> {
  const whole = model.mirror.objects.get(kind, id)
  if (whole === undefined) return []
  const operations = kind === 'vpc' ? operationsOf(model, ask, whole, cascade) : operationsOfAccount(model, ask, whole, cascade)
  const fallen = operations.map(({ action, kind, id: of }): Fallen => {
    const { name } = model.mirror.objects.get(kind.kind, of)!.record
    return { action: action === 'write' ? 'change' : action, kind: kind.kind, name, id: of }
  })
  rehearse(model, ask, operations)
  if (!ask.isDryRun) await new Run(model, { ask, operations, overtaken: () => overtaken(whole) }).all()
  return fallen
}

/** What goes, and before that what has to let go of it. */
function operationsOf({ mirror: { objects } }: Model, { caller }: Ask, vpc: Stored, cascade: Cascade): Operation[] {
  const { id, account } = vpc.record
  const within = memberKinds.flatMap(({ kind }) =>
    [...objects.ids(kind.kind, account!)].map((each) => objects.get(kind.kind, each)!).filter(({ record }) => record.vpc === id),
  )
  const vnics = within.filter(({ record }) => record.kind === 'vnic')
  const users = new Map(vnics.flatMap((vnic) => objects.usersOf(vnic.record.id)).map((user) => [user.record.id, user]))
  const guests = [...users.values()].filter(({ record }) => record.kind === 'vm')
  const floating = [...users.values()].filter(
    ({ record }) => record.kind === 'floating-ip' && mayRead(caller, objects, { record, modified: 0 }),
  )
  const peerings = objects.usersOf(id, 'peering').filter(({ record }) => record.vpc !== id)
  const isInside = ({ record }: Stored): boolean =>
    (record.spec.vnics as string[]).every((each) => vnics.some((vnic) => vnic.record.id === each))
  const own = guests.filter(isInside)
  const order = [...within, ...own, ...peerings].sort((a, b) => rank(b) - rank(a))
  return [
    ...(cascade === 'unplug' ? unplugging(own, vnics) : []),
    ...floating.map((stored) => rewriting(stored, { ...stored.record.spec, target: undefined })),
    ...logsWithout(objects, within),
    ...within.flatMap((stored) => (laterOf(stored) === undefined ? [] : [clearing(stored)])),
    ...[...order, vpc].map((stored) => destroyOf(stored, [], false)),
  ]
}

/** All vpcs of an account and what serves them; then who may do something there; then the account. */
function operationsOfAccount({ mirror: { objects } }: Model, { caller }: Ask, account: Stored, cascade: Cascade): Operation[] {
  const { id, name } = account.record
  if (caller.account === id)
    throw new Problem('in-use', `account ${name ?? id} is the one that you belong to; have somebody of another destroy it`)
  const all = (kind: string): Stored[] => [...objects.ids(kind, id)].map((each) => objects.get(kind, each)!)
  const vpcs = all('vpc')
  const members = memberKinds.flatMap(({ kind }) => all(kind.kind))
  const vnics = members.filter(({ record }) => record.kind === 'vnic')
  const guests = members.filter(({ record }) => record.kind === 'vm')
  // Those that others have asked for, and these vpcs have accepted.
  const peerings = vpcs.flatMap((vpc) => objects.usersOf(vpc.record.id, 'peering').filter(({ record }) => record.account !== id))
  const principals = all('principal')
  const places = [account, ...vpcs, ...principals].flatMap((each) => objects.usersOf(each.record.id))
  const access = new Map(
    places.filter(({ record }) => record.kind === 'role-binding' || record.kind === 'token').map((each) => [each.record.id, each]),
  )
  const order = [
    ...all('flow-log'),
    ...[...members, ...peerings].sort((a, b) => rank(b) - rank(a)),
    ...vpcs,
    ...access.values(),
    ...principals,
    account,
  ]
  return [
    ...(cascade === 'unplug' ? unplugging(guests, vnics) : []),
    ...members.flatMap((stored) => (laterOf(stored) === undefined ? [] : [clearing(stored)])),
    ...order.map((stored) => destroyOf(stored, [], false)),
  ]
}

/** Flow logs let go of vnics and subnets that go. */
function logsWithout(objects: Model['mirror']['objects'], gone: readonly Stored[]): Operation[] {
  const ids = new Set(gone.map(({ record }) => record.id))
  const users = gone.flatMap(({ record }) => objects.usersOf(record.id, 'flow-log'))
  const logs = new Map(users.map((stored) => [stored.record.id, stored]))
  return [...logs.values()].map((stored) => {
    const { spec } = stored.record
    const left = (field: 'vnics' | 'subnets'): string[] => (spec[field] as readonly string[]).filter((id) => !ids.has(id))
    return rewriting(stored, { ...spec, vnics: left('vnics'), subnets: left('subnets') })
  })
}

const rank = ({ record }: Stored): number => memberKinds.findIndex(({ kind }) => kind.kind === record.kind)

/** Guests leave their host, and their vnics with them; then those of nobody. */
function unplugging(guests: readonly Stored[], vnics: readonly Stored[]): Operation[] {
  const placed = guests.filter(({ record }) => record.spec.host !== undefined)
  const theirs = new Set(placed.flatMap(({ record }) => record.spec.vnics as string[]))
  return [
    ...placed.map((stored) => rewriting(stored, { ...stored.record.spec, host: undefined })),
    ...vnics
      .filter(({ record }) => record.binding !== undefined && !theirs.has(record.id))
      .map((stored): Operation => ({ ...destroyOf(stored, [], false), action: 'unplug', kind: kindOf('vnic') })),
  ]
}

/** Find what stands in the way before anything is done. */
function rehearse(model: Model, ask: Ask, operations: readonly Operation[]): void {
  const overlay = new Overlay(model.mirror)
  for (const operation of operations) {
    const made = buildOperation(model, overlay, ask, operation)
    if (made !== undefined) overlay.add(made.draft.commit())
  }
}

function overtaken({ record }: Stored): never {
  throw new Problem('busy', `something in ${record.kind} ${record.name ?? record.id} has just changed; repeat the request, it goes on`, {
    retryAfter: 1,
  })
}
