/** Which packets of muxes must not pass in plain, and that the kernel drops those. */
import { addGuard, guardKey, guards, removeGuard, type Guard } from '#datapath/host-rules/guards.ts'
import type { Ruleset } from '#datapath/host-rules/host-rules.ts'
import { pastIpsec } from '#datapath/host-rules/past-ipsec.ts'
import type { Context } from '../context.ts'
import type { Model, Mux } from '../store/model.ts'
import { unitName } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'

/** Whether a mux has a VTEP that it reaches under IPsec alone. */
export const hasGuards = ({ farVteps }: Mux): boolean => farVteps.some(({ ipsec }) => ipsec)

/**
 * All packets are to the mux's port where policies see them, also those to a VTEP with another one: a program writes
 * that when the packet leaves (bpf/lib/outer-port.h).
 */
function* guardsOf({ listen, farVteps }: Mux): Generator<Guard> {
  if (listen === null) return
  const { address, port } = listen
  for (const { vtep, ipsec } of farVteps) {
    if (!ipsec || vtep.address.length !== address.length) continue
    yield { direction: 'out', source: address, destination: vtep.address, port }
    yield { direction: 'in', source: vtep.address, destination: address, port }
  }
}

/** Whether the kernel drops all that a mux must not send or take in plain. */
export function isGuarded(context: Pick<Context, 'devices'>, mux: Mux): boolean {
  if (!hasGuards(mux)) return true
  const have = guards()
  return [...guardsOf(mux)].every((guard) => have.has(guardKey(guard))) && settingsPastGuards(context, mux).length === 0
}

/** Settings of the host, as sysctl(8) names them, by which packets of a mux pass without its guards. */
export function settingsPastGuards({ devices }: Pick<Context, 'devices'>, { listen, underlay, farVteps }: Mux): string[] {
  if (listen === null) return []
  const { address } = listen
  const guarded = farVteps.filter(({ ipsec, vtep }) => ipsec && vtep.address.length === address.length)
  if (guarded.length === 0) return []
  const ways = guarded.map(({ vtep }) => devices.byIndex(devices.wayTo(vtep.address, address)?.ifindex ?? 0)?.name)
  // The list may have this host, too: the kernel never asks policies on loopback, and what stays here needs none.
  return pastIpsec(
    address.length === 4 ? 4 : 6,
    [underlay?.l2Name, ...ways].filter((name) => typeof name === 'string' && name !== 'lo') as string[],
  )
}

/** Refuse what would have a mux rely on guards that packets pass by. */
export function checkGuards(context: Pick<Context, 'devices'>, tx: Transaction, mux: Mux): void {
  const settings = settingsPastGuards(context, mux)
  if (settings.length > 0) tx.refuse('EBUSY', ...pastGuards(settings))
}

/** What such settings do, and the way out. */
export const pastGuards = (settings: readonly string[]): [why: string, remedy: string] => [
  `the host lets packets pass without IPsec (${settings.join(', ')}), so nothing keeps them from passing in plain`,
  `sysctl -w ${settings.map((name) => `${name}=0`).join(' ')}, or take ipsec away from the VTEP`,
]

/** Guards that go once an operation under way has happened. Packets need them until then, and longer if it fails. */
const leaving = new WeakMap<Model, Map<string, Guard>>()

const leavingOf = (model: Model): Map<string, Guard> => leaving.getOrInsertComputed(model, () => new Map())

/** Whether packets need any guards: those of the muxes as they are, or as they were before an operation under way. */
export const needsGuards = (model: Model): boolean => leavingOf(model).size > 0 || [...model.ofType('vpcmux')].some(hasGuards)

const wanted = (model: Model): Map<string, Guard> => {
  const all = [...model.ofType('vpcmux')].filter(({ dead }) => !dead).flatMap((mux) => [...guardsOf(mux)])
  return new Map(all.map((guard) => [guardKey(guard), guard]))
}

/**
 * Have the kernel drop what must not pass in plain. New policies hold at once; those that nobody needs go when the
 * tables no longer send such packets. `rules`: what the kernel has, if the caller knows.
 */
export function keepGuards({ model }: Pick<Context, 'model'>, tx: Transaction, rules?: Ruleset): boolean {
  const [want, have] = [wanted(model), guards(rules?.policies)]
  const isMissing = addMissing(tx, want, have)
  const unneeded = [...have].filter(([key]) => !want.has(key))
  if (unneeded.length > 0) removeLater(model, tx, unneeded)
  return isMissing
}

/**
 * The same while an operation in steps is under way: set those again that packets need before it or after it, and
 * remove none.
 */
export function keepGuardsMeanwhile({ model }: Pick<Context, 'model'>, tx: Transaction): boolean {
  return addMissing(tx, new Map([...leavingOf(model), ...wanted(model)]), guards())
}

function addMissing(tx: Transaction, want: ReadonlyMap<string, Guard>, have: ReadonlyMap<string, Guard>): boolean {
  const missing = [...want].filter(([key]) => !have.has(key))
  for (const [, guard] of missing) {
    add(tx, guard)
    tx.did(() => removeGuard(guard))
  }
  return missing.length > 0
}

function removeLater(model: Model, tx: Transaction, unneeded: readonly (readonly [string, Guard])[]): void {
  const all = leavingOf(model)
  for (const [key, guard] of unneeded) {
    // One transaction may come here twice.
    if (all.has(key)) continue
    all.set(key, guard)
    tx.did(() => all.delete(key))
  }
  tx.later('remove policies of IPsec', () => {
    all.clear()
    const still = wanted(model)
    for (const [key, guard] of guards()) if (!still.has(key)) removeGuard(guard)
  })
}

function add(tx: Transaction, guard: Guard): void {
  if (addGuard(guard)) return
  tx.refuse(
    'EOPNOTSUPP',
    'this kernel has no IPsec (CONFIG_XFRM_USER), so nothing keeps packets from leaving in plain',
    'load xfrm_user, or take ipsec away from the VTEP',
  )
}

/** Forget a mux: it goes. */
export const dropGuards = (context: Pick<Context, 'model'>, tx: Transaction, mux: Mux): void => {
  if (!hasGuards(mux)) return
  tx.asked ||= `remove ${unitName(mux)}`
  tx.set(mux, 'farVteps', [])
  keepGuards(context, tx)
}
