/**
 * The MTU of the path to each VTEP, if that is less than the MTU of the underlay's interface: by routes, IPsec, and
 * ICMP.
 */
import { pathMtus } from '#datapath/host-rules/paths.ts'
import type { Context } from '../context.ts'
import type { Vtep } from '../store/entry-store.ts'
import type { Mux } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { farMtuBytes, least } from './mtu.ts'
import { withMtuFollowing } from './mtu-follow.ts'

/** Ask the kernel for the paths of a mux to some of its VTEPs, and record changes. */
export function askPaths(context: Context, tx: Transaction, mux: Mux, vteps: Iterable<Vtep>): void {
  const { listen, underlay, entries } = mux
  if (listen === null || underlay === null) return
  const others = [...vteps].filter(({ address }) => Buffer.compare(address, listen.address) !== 0)
  const asked = pathMtus(listen.address, listen.port, others)
  const paths = new Map([...mux.paths].filter(([vtep]) => entries.used.has(vtep)))
  for (const vtep of others) {
    const mtuBytes = least(asked.get(vtep), farMtuBytes(mux, vtep))
    if (mtuBytes === undefined || mtuBytes >= underlay.deviceMtuBytes) paths.delete(vtep)
    else paths.set(vtep, mtuBytes)
  }
  const widestBytes = widest(context, mux, paths)
  if (widestBytes === mux.widestBytes && isSame(paths, mux.paths)) return
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'paths', paths)
    tx.set(mux, 'widestBytes', widestBytes)
  })
}

/**
 * The MTU of the widest path, if all are narrower than the interface for a lasting reason (a route, IPsec, a setting):
 * guests need not try larger packets. The kernel forgets what ICMP said about a path, so that is left to the answers to
 * guests that send too large packets. Null: the interface decides.
 */
function widest({ devices }: Context, mux: Mux, paths: ReadonlyMap<Vtep, number>): number | null {
  const { listen, entries } = mux
  const lasts = (vtep: Vtep, mtuBytes: number): boolean =>
    farMtuBytes(mux, vtep) === mtuBytes || devices.wayTo(vtep.address, listen!.address)?.learnt === false
  if (paths.size === 0) return null
  let most = 0
  for (const vtep of entries.used.keys()) {
    if (Buffer.compare(vtep.address, listen!.address) === 0) continue
    const mtuBytes = paths.get(vtep)
    if (mtuBytes === undefined) return null
    most = Math.max(most, mtuBytes)
  }
  for (const [vtep, mtuBytes] of paths) if (mtuBytes === most && lasts(vtep, most)) return most
  return null
}

const isSame = (a: ReadonlyMap<Vtep, number>, b: ReadonlyMap<Vtep, number>): boolean =>
  a.size === b.size && [...a].every(([vtep, mtuBytes]) => b.get(vtep) === mtuBytes)
