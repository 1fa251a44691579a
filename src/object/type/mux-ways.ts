/**
 * The interfaces of the host by which a mux's packets leave besides the wrapped one, and whether they can leave when
 * that one is gone.
 */
import type { Context } from '../context.ts'
import type { Vtep } from '../store/entry-store.ts'
import type { Mux } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { withMtuFollowing } from './mtu-follow.ts'

/**
 * Record whether a mux without its wrapped interface still works: the host still has its address, so routes lead by
 * others. True: that has changed.
 */
export function noteElsewhere(context: Context, tx: Transaction, mux: Mux): boolean {
  const { underlay, listen } = mux
  const elsewhere =
    underlay !== null &&
    underlay.ifindex === 0 &&
    listen !== null &&
    context.devices.addresses().some((own) => Buffer.compare(own, listen.address) === 0)
  if (elsewhere === mux.elsewhere) return false
  withMtuFollowing(context, tx, mux, () => tx.set(mux, 'elsewhere', elsewhere))
  return true
}

/**
 * VTEPs with a UDP port of their own may be reached by an interface other than the wrapped one. The vxlan device sends
 * to the mux's port, so that interface needs the program that sets the right one. vpcd attaches it without a link while
 * it is needed.
 */
export function keepPortsRight(context: Context, tx: Transaction, mux: Mux): void {
  const wanted = new Set([...loopback(context, mux), ...waysOut(context, mux, mux.entries.used.keys())])
  const { datapath } = context
  for (const ifindex of wanted) datapath.keepEgress(ifindex)
  if (wanted.size === mux.ways.size && [...wanted].every((ifindex) => mux.ways.has(ifindex))) return
  const others = new Set([...context.model.ofType('vpcmux')].filter((other) => other !== mux).flatMap(({ ways }) => [...ways]))
  for (const ifindex of mux.ways) if (!wanted.has(ifindex) && !others.has(ifindex)) datapath.dropEgress(ifindex)
  tx.set(mux, 'ways', wanted)
}

/** The same for new VTEPs. Existing ones stay as they are. */
export function addPortsRight(context: Context, tx: Transaction, mux: Mux, vteps: Iterable<Vtep>): void {
  const more = [...loopback(context, mux), ...waysOut(context, mux, vteps)].filter((ifindex) => !mux.ways.has(ifindex))
  for (const ifindex of more) {
    tx.did(() => context.datapath.dropEgress(ifindex))
    context.datapath.keepEgress(ifindex)
  }
  if (more.length > 0) tx.set(mux, 'ways', new Set([...mux.ways, ...more]))
}

/** Take the programs off that only this mux needs there: it no longer sends. */
export function dropWays({ datapath, model }: Context, tx: Transaction, mux: Mux): void {
  const before = mux.ways
  if (before.size === 0) return
  tx.set(mux, 'ways', new Set())
  tx.later('take programs off interfaces', () => {
    const needed = new Set([...model.ofType('vpcmux')].flatMap(({ ways }) => [...ways]))
    for (const ifindex of before) if (!needed.has(ifindex)) datapath.dropEgress(ifindex)
  })
}

/**
 * Any program of the host may send from any IPv6 address (IPV6_FREEBIND), also to the host's own mux: by loopback. The
 * same program keeps it from that. An IPv4 socket sends from addresses of the host alone, which are not a VTEP's.
 */
function* loopback({ devices }: Context, { listen, underlay, exclusive }: Mux): Generator<number> {
  const device = underlay !== null && exclusive && listen?.address.length === 16 ? devices.byName('lo') : undefined
  if (device !== undefined) yield device.ifindex
}

function* waysOut({ devices, model }: Context, { listen, underlay, entries }: Mux, vteps: Iterable<Vtep>): Generator<number> {
  if (listen === null || underlay === null || entries.ownPorts.size === 0) return
  for (const { address, port } of vteps) {
    if (port === 0 || port === listen.port || address.length !== listen.address.length) continue
    const ifindex = devices.wayTo(address, listen.address)?.ifindex ?? 0
    // A wrapped interface has the program by its link.
    const object = model.devices.get(ifindex)
    const wrapped = object?.type === 'ethlink' && object.mux !== null
    if (ifindex !== 0 && !wrapped && (object === undefined || object.type === 'ethlink')) yield ifindex
  }
}
