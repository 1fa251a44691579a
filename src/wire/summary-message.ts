/** What `summary.ts` says of single messages: ARP, ICMP, ICMPv6 with neighbour discovery, DHCP, TCP's flags. */
import { arpOp, decodeArp } from './arp.ts'
import { decodeDhcp, dhcpMessageType, dhcpOp, dhcpType } from './dhcp.ts'
import { fragmentationNeeded, icmp, icmpType, icmpv6, icmpv6Type, splitEcho } from './icmp.ts'
import { formatIpv4 } from './ipv4-address.ts'
import { formatIpv6 } from './ipv6-address.ts'
import { formatMac } from './mac.ts'
import { neighbourAdvert, neighbourSolicit } from './nd.ts'
import type { Problem } from './result.ts'
import { tcpFlag } from './tcp.ts'

type OnProblem = (problem: Problem) => string

/** As tcpdump has it: who-has, is-at. */
export function describeArp(bytes: Uint8Array, onProblem: OnProblem): string {
  const decoded = decodeArp(bytes)
  if (!decoded.ok) return onProblem(decoded.problem)
  const { op, sha, spa, tpa } = decoded.value
  if (op === arpOp.request) return `ARP who-has ${formatIpv4(tpa)} tell ${formatIpv4(spa)}`
  if (op === arpOp.reply) return `ARP ${formatIpv4(spa)} is-at ${formatMac(sha)}`
  return `ARP operation ${op}`
}

const icmpNames = new Map<number, string>([
  [icmpType.echoReply, 'echo reply'],
  [icmpType.unreachable, 'unreachable'],
  [icmpType.redirect, 'redirect'],
  [icmpType.echoRequest, 'echo request'],
  [icmpType.timeExceeded, 'time exceeded'],
])

const icmpv6Names = new Map<number, string>([
  [icmpv6Type.unreachable, 'unreachable'],
  [icmpv6Type.packetTooBig, 'packet too big'],
  [icmpv6Type.timeExceeded, 'time exceeded'],
  [icmpv6Type.echoRequest, 'echo request'],
  [icmpv6Type.echoReply, 'echo reply'],
  [icmpv6Type.mldQuery, 'MLD query'],
  [icmpv6Type.mldReport, 'MLD report'],
  [icmpv6Type.mldDone, 'MLD done'],
  [icmpv6Type.routerSolicitation, 'router solicitation'],
  [icmpv6Type.routerAdvertisement, 'router advertisement'],
  [icmpv6Type.neighbourSolicitation, 'neighbour solicitation'],
  [icmpv6Type.neighbourAdvertisement, 'neighbour advertisement'],
  [icmpv6Type.redirect, 'redirect'],
  [icmpv6Type.mldv2Report, 'MLDv2 report'],
])

function echoText(rest: number): string {
  const { id, seq } = splitEcho(rest)
  return ` id ${id} seq ${seq}`
}

/** Type by name; identifier and sequence of an echo, the MTU of 'fragmentation needed'. */
export function describeIcmp(bytes: Uint8Array, onProblem: OnProblem): string {
  const decoded = icmp.decode(bytes)
  if (!decoded.ok) return onProblem(decoded.problem)
  const { type, code, rest } = decoded.value
  if (type === icmpType.unreachable && code === fragmentationNeeded) return `ICMP fragmentation needed mtu ${rest & 0xffff}`
  const echo = type === icmpType.echoRequest || type === icmpType.echoReply
  return `ICMP ${icmpNames.get(type) ?? `type ${type}`}${code === 0 ? '' : ` code ${code}`}${echo ? echoText(rest) : ''}`
}

/** As `describeIcmp`; the target of a neighbour message. */
export function describeIcmpv6(bytes: Uint8Array, onProblem: OnProblem): string {
  const decoded = icmpv6.decode(bytes)
  if (!decoded.ok) return onProblem(decoded.problem)
  const { type, code, rest } = decoded.value
  const name = `ICMPv6 ${icmpv6Names.get(type) ?? `type ${type}`}${code === 0 ? '' : ` code ${code}`}`
  switch (type) {
    case icmpv6Type.packetTooBig:
      return `${name} mtu ${rest}`
    case icmpv6Type.echoRequest:
    case icmpv6Type.echoReply:
      return `${name}${echoText(rest)}`
    case icmpv6Type.neighbourSolicitation: {
      const message = neighbourSolicit.decode(bytes)
      return message.ok ? `${name} who-has ${formatIpv6(message.value.target)}` : `${name} ${onProblem(message.problem)}`
    }
    case icmpv6Type.neighbourAdvertisement: {
      const message = neighbourAdvert.decode(bytes)
      return message.ok ? `${name} ${formatIpv6(message.value.target)}` : `${name} ${onProblem(message.problem)}`
    }
    default:
      return name
  }
}

const dhcpNames = new Map<number, string>(Object.entries(dhcpType).map(([name, type]) => [type, name]))

/** The message's type and whose it is. Most captures cut options off: then only the speaking side is told. */
export function describeDhcp(bytes: Uint8Array): string {
  const decoded = decodeDhcp(bytes)
  // The side that speaks stands in the first byte.
  if (!decoded.ok) return bytes[0] === dhcpOp.reply ? 'DHCP from a server' : 'DHCP from a client'
  const type = dhcpMessageType(decoded.value)
  return `DHCP ${dhcpNames.get(type ?? 0) ?? `type ${type ?? 'none'}`} of ${formatMac(decoded.value.chaddr)}`
}

const flagLetters: readonly (readonly [number, string])[] = [
  [tcpFlag.syn, 'S'],
  [tcpFlag.fin, 'F'],
  [tcpFlag.rst, 'R'],
  [tcpFlag.psh, 'P'],
  [tcpFlag.urg, 'U'],
  [tcpFlag.ece, 'E'],
  [tcpFlag.cwr, 'W'],
  [tcpFlag.ack, '.'],
]

/** Flags in tcpdump's letters, `.` for ACK; `none` when there are none. */
export const tcpFlagLetters = (flags: number): string =>
  flagLetters.map(([flag, letter]) => ((flags & flag) === 0 ? '' : letter)).join('') || 'none'
