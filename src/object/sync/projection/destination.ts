/** Destinations of frames, in the layout of the tables. */
import { dstFlag, dstKind, noDst, type Dst, type Vtep as TableVtep } from '#datapath/layout.ts'
import type { Vtep } from '../../store/entry-store.ts'
import { segmentOf } from '../../store/keys.ts'
import type { Model, Mux, Nat, Port, Switch } from '../../store/model.ts'
import { isLimitedIn } from './port-limits.ts'
import { allowsMulticast, policyOf } from '../policy/policy.ts'
import { groupsOf } from '../policy/vpc-policy.ts'
import { inService, interfaceMtuBytes, vtepMtuBytes } from '../../type/mtu.ts'

/**
 * Whether frames pass a port: it is in a switch, and its interface has a device; an ethlink works only in the uplink
 * port.
 */
export function carries(port: Port): boolean {
  const { peer, switch: sw } = port
  if (peer === null || sw === null || peer.ifindex === 0) return false
  return peer.type !== 'ethlink' || sw.uplink === port
}

/** The unit in a port. */
export function toUnit(model: Model, port: Port): Dst | undefined {
  const { peer } = port
  if (peer === null || peer.type === 'ethlink' || port.held || port.leaving || !carries(port)) return undefined
  // A frame for a veth whose other end is in another network namespace can skip the queue there. It would also skip an
  // XDP program in the driver.
  const shortcut = peer.type === 'hostif' && peer.inOtherNetns && !peer.runsXdp ? dstFlag.peer : 0
  const flags = shortcut | (isLimitedIn(port) ? dstFlag.limited : 0) | groupFlags(model, port)
  const mtu = interfaceMtuBytes(model, peer)
  return { ...noDst, kind: dstKind.local, flags, vlan: port.vlan, mtu, ifindex: peer.ifindex, stats: port.source }
}

/** Whether the port's groups are asked, and whether they let multicasts in. */
function groupFlags(model: Model, port: Port): number {
  if (port.groups.length === 0) return 0
  return dstFlag.policy | (allowsMulticast(policyOf(groupsOf(model, port), 'in')) ? dstFlag.multicast : 0)
}

/** The uplink of a segment: it serves the VNI that the uplink port is on. */
export function toUplink(model: Model, sw: Switch, segment: number): Dst | undefined {
  const { uplink } = sw
  if (uplink === null || uplink.peer?.type !== 'ethlink' || !carries(uplink) || segmentOf(sw, uplink.vni) !== segment) return undefined
  const { peer } = uplink
  const mtu = interfaceMtuBytes(model, peer)
  return { ...noDst, kind: dstKind.uplink, vlan: peer.vtag, mtu, ifindex: peer.ifindex, stats: uplink.source }
}

/** A VTEP behind a mux. This host is not a VTEP of itself: a list for all hosts names each of them too. */
export function toVtep(mux: Mux, vtep: Vtep): Dst | undefined {
  if (!inService(mux) || isOwn(mux, vtep)) return undefined
  const flags = vtep.forward ? dstFlag.forward : 0
  return {
    ...noDst,
    kind: dstKind.remote,
    flags,
    mtu: vtepMtuBytes(mux, vtep),
    ifindex: mux.ifindex,
    stats: mux.source,
    vtep: tableVtep(vtep),
  }
}

/** The VTEP is this host's own. */
export function isOwn({ listen }: Mux, vtep: Vtep): boolean {
  if (listen === null || (vtep.port !== 0 && vtep.port !== listen.port)) return false
  return Buffer.compare(listen.address, vtep.address) === 0
}

/** An address and port in a table's layout. */
export function tableVtep({ address, port }: { readonly address: Uint8Array; readonly port: number }): TableVtep {
  const addr = new Uint8Array(16)
  addr.set(address)
  return { family: address.length === 4 ? 4 : 6, port, addr }
}

/** The host that has a NAT's public addresses, by the first mux that reaches it. Undefined: there is none. */
export function gatewayOf(model: Model, { via }: Nat): Dst | undefined {
  if (via === null) return undefined
  const { address, port } = via
  const family = address.length === 4 ? 4 : 6
  for (const mux of model.ofType('vpcmux')) {
    const to = mux.listen?.address.length === address.length ? toVtep(mux, { family, address, port, forward: false }) : undefined
    if (to !== undefined) return to
  }
  return undefined
}
