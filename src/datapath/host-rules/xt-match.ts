/** Matches of iptables in rules of nftables, by their structures in linux/netfilter/xt_*.h. */
import type { FlowPacket, Match } from './flow-packet.ts'

const yesIf = (holds: boolean): Match => (holds ? 'yes' : 'no')

/** Whether a packet passes a match of iptables. */
export function matchXt(name: string, revision: number, info: Uint8Array, packet: FlowPacket): Match {
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength)
  if (name === 'comment') return 'yes'
  if (name === 'tcp') return 'no'
  if (name === 'icmp') return packet.protocol === 'icmp' ? 'perhaps' : 'no'
  if (name === 'udp') return packet.protocol === 'udp' ? udp(view, packet.dport!) : 'no'
  if (name === 'conntrack' && info.length >= 154) return conntrack(view, revision)
  if (name === 'state' && info.length >= 4) return yesIf((view.getUint32(0, true) & stateNew) !== 0)
  if (name === 'multiport' && info.length >= 48) return multiport(view, info, packet)
  return 'perhaps'
}

/** struct xt_udp: ports are in host order. */
function udp(view: DataView, dport: number): Match {
  const invert = view.getUint8(8)
  const [low, high] = [view.getUint16(4, true), view.getUint16(6, true)]
  const anySource = view.getUint16(0, true) === 0 && view.getUint16(2, true) === 0xffff && (invert & 1) === 0
  const inside = (dport >= low && dport <= high) !== ((invert & 2) !== 0)
  return inside ? (anySource ? 'yes' : 'perhaps') : 'no'
}

/** XT_CONNTRACK_STATE_BIT(IP_CT_NEW). */
const stateNew = 8
const matchesState = 1

/** struct xt_conntrack_mtinfo3, and the same head in older revisions. */
function conntrack(view: DataView, revision: number): Match {
  const flags = view.getUint16(146, true)
  if (flags !== matchesState || revision < 1) return 'perhaps'
  const isInverted = (view.getUint16(148, true) & matchesState) !== 0
  return yesIf(((view.getUint16(150, true) & stateNew) !== 0) !== isInverted)
}

/** struct xt_multiport_v1: a list of ports, in which pairs are ranges. */
function multiport(view: DataView, info: Uint8Array, { dport, protocol }: FlowPacket): Match {
  if (protocol !== 'udp' || dport === undefined) return 'no'
  if (info[0] !== 1) return 'perhaps'
  let holds = false
  for (let i = 0; i < info[1]!; i++) {
    const low = view.getUint16(2 + 2 * i, true)
    const isRange = info[32 + i] === 1
    const high = isRange ? view.getUint16(2 + 2 * (i + 1), true) : low
    holds ||= dport >= low && dport <= high
    if (isRange) i++
  }
  return yesIf(holds !== (info[47] === 1))
}
