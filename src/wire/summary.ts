/**
 * One line that says what a frame is, from its first bytes: what `vpc drops --follow` prints. Nothing in it comes from
 * a packet as text.
 */
import { decodeEthernet, ethertype, minEthertype } from './ethernet.ts'
import { describeArp, describeDhcp, describeIcmp, describeIcmpv6, tcpFlagLetters } from './summary-message.ts'
import { formatIp, type Ip } from './ip-address.ts'
import { decodeIpv4, ipProtocol } from './ipv4.ts'
import { decodeIpv6, walkExtensions } from './ipv6.ts'
import { formatMac } from './mac.ts'
import { describeProblem, type Problem } from './result.ts'
import { tcpHeader } from './tcp.ts'
import { decodeUdp, udpPort } from './udp.ts'
import { decodeVxlan } from './vxlan.ts'

/** Frames inside frames that are described; a further one is left at its VNI. */
const maxDepth = 2

interface Context {
  /** The capture holds less than the frame: what is cut short is the capture. */
  readonly snapped: boolean
  readonly depth: number
  readonly vxlanPort: number
}

/**
 * Describe a frame. `length` is its length on the wire, when `bytes` is only its beginning. This describes garbage as
 * far as it can be read, and never throws.
 */
export function summarize(bytes: Uint8Array, length = bytes.length, vxlanPort: number = udpPort.vxlan): string {
  return `${frameText(bytes, { snapped: length > bytes.length, depth: 1, vxlanPort })} len ${length}`
}

function problemText(problem: Problem, { snapped }: Context): string {
  return snapped && problem.kind === 'truncated' ? `${problem.format} ...` : `[${describeProblem(problem)}]`
}

function frameText(bytes: Uint8Array, context: Context): string {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) return problemText(frame.problem, context)
  const { src, dst, tags, type } = frame.value
  const vlans = tags.map(({ tpid, vid }) => `${tpid === ethertype.vlan ? 'vlan' : 'qinq'} ${vid} `).join('')
  return `${formatMac(src)} > ${formatMac(dst)} ${vlans}${networkText(type, frame.payload, context)}`
}

function networkText(type: number, payload: Uint8Array, context: Context): string {
  switch (type) {
    case ethertype.arp:
      return describeArp(payload, (problem) => problemText(problem, context))
    case ethertype.ipv4:
      return ipv4Text(payload, context)
    case ethertype.ipv6:
      return ipv6Text(payload, context)
    default:
      return type < minEthertype ? `802.3 length ${type}` : `type 0x${type.toString(16).padStart(4, '0')}`
  }
}

function ipv4Text(bytes: Uint8Array, context: Context): string {
  const packet = decodeIpv4(bytes)
  if (!packet.ok) return problemText(packet.problem, context)
  const { src, dst, protocol, fragmentOffset, moreFragments, checksumOk, missing } = packet.value
  const notes = [
    ...(checksumOk ? [] : ['bad header checksum']),
    ...(moreFragments || fragmentOffset > 0 ? [`fragment at ${fragmentOffset}${moreFragments ? '' : ', the last'}`] : []),
    ...(missing > 0 && !context.snapped ? [`${missing} bytes missing`] : []),
  ].map((note) => ` [${note}]`)
  return `IPv4 ${transportText(src, dst, protocol, fragmentOffset > 0, packet.payload, context)}${notes.join('')}`
}

function ipv6Text(bytes: Uint8Array, context: Context): string {
  const packet = decodeIpv6(bytes)
  if (!packet.ok) return problemText(packet.problem, context)
  const { src, dst, nextHeader, missing } = packet.value
  const upper = walkExtensions(nextHeader, packet.payload)
  if (!upper.ok) return `IPv6 ${formatIp(src)} > ${formatIp(dst)} ${problemText(upper.problem, context)}`
  const { protocol, fragment } = upper.value
  const notes = [
    ...(fragment ? [`fragment at ${fragment.offset}${fragment.more ? '' : ', the last'}`] : []),
    ...(missing > 0 && !context.snapped ? [`${missing} bytes missing`] : []),
  ].map((note) => ` [${note}]`)
  return `IPv6 ${transportText(src, dst, protocol, (fragment?.offset ?? 0) > 0, upper.payload, context)}${notes.join('')}`
}

/**
 * Addresses, with their ports where there are any, and the message. The later fragments of a packet have no header to
 * read.
 */
function transportText(src: Ip, dst: Ip, protocol: number, later: boolean, payload: Uint8Array, context: Context): string {
  const plain = `${formatIp(src)} > ${formatIp(dst)}`
  const onProblem = (problem: Problem): string => problemText(problem, context)
  if (later) return `${plain} ${protocolName(protocol)}`
  switch (protocol) {
    case ipProtocol.tcp: {
      const tcp = tcpHeader.decode(payload)
      if (!tcp.ok) return `${plain} ${onProblem(tcp.problem)}`
      return `${ports(src, dst, tcp.value)} TCP ${tcpFlagLetters(tcp.value.flags)}`
    }
    case ipProtocol.udp:
      return udpText(src, dst, payload, context)
    case ipProtocol.icmp:
      return `${plain} ${describeIcmp(payload, onProblem)}`
    case ipProtocol.icmpv6:
      return `${plain} ${describeIcmpv6(payload, onProblem)}`
    default:
      return `${plain} ${protocolName(protocol)}`
  }
}

function udpText(src: Ip, dst: Ip, bytes: Uint8Array, context: Context): string {
  const udp = decodeUdp(bytes)
  if (!udp.ok) return `${formatIp(src)} > ${formatIp(dst)} ${problemText(udp.problem, context)}`
  const { srcPort, dstPort } = udp.value
  const head = `${ports(src, dst, udp.value)} UDP`
  if (dstPort === context.vxlanPort) return `${head} ${vxlanText(udp.payload, context)}`
  const isDhcp = (port: number): boolean => port === udpPort.dhcpServer || port === udpPort.dhcpClient
  return isDhcp(srcPort) && isDhcp(dstPort) ? `${head} ${describeDhcp(udp.payload)}` : head
}

function vxlanText(bytes: Uint8Array, context: Context): string {
  const vxlan = decodeVxlan(bytes)
  if (!vxlan.ok) return problemText(vxlan.problem, context)
  const head = `VXLAN vni ${vxlan.value.vni}`
  return context.depth >= maxDepth ? head : `${head} {${frameText(vxlan.payload, { ...context, depth: context.depth + 1 })}}`
}

const protocolNames = new Map<number, string>([
  [ipProtocol.tcp, 'TCP'],
  [ipProtocol.udp, 'UDP'],
  [ipProtocol.icmp, 'ICMP'],
  [ipProtocol.icmpv6, 'ICMPv6'],
  [ipProtocol.noNext, 'nothing'],
])
const protocolName = (protocol: number): string => protocolNames.get(protocol) ?? `protocol ${protocol}`

function ports(src: Ip, dst: Ip, { srcPort, dstPort }: { readonly srcPort: number; readonly dstPort: number }): string {
  // IPv6 in brackets: its last group would read as a port.
  const text = (address: Ip): string => (address.length === 4 ? formatIp(address) : `[${formatIp(address)}]`)
  return `${text(src)}:${srcPort} > ${text(dst)}:${dstPort}`
}
