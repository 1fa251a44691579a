/** The frames that a guest of a test sends: its question for a MAC, the first packet of a conversation, and answers. */
import { decodeEthernet } from '#wire/ethernet.ts'
import { arpRequest, echoFrame, ipFrame, tcpFrame, udpFrame, type Path } from '#wire/frames.ts'
import { formatIp, ipFrom, isIpv4, isIpv6 } from '#wire/ip-address.ts'
import { decodeIpv4, ipProtocol } from '#wire/ipv4.ts'
import { decodeIpv6 } from '#wire/ipv6.ts'
import type { Mac } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import { encodeSctp, sctpChunk, sctpProtocol } from '#wire/sctp.ts'
import { tcpFlag } from '#wire/tcp.ts'

export type Kind = 'icmp' | 'tcp' | 'udp' | 'sctp'

/** A packet by what its receiver looks at. Of a ping both ports are its identifier. */
export interface Headers {
  readonly kind: Kind
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly port: number
}

/** The question for the MAC of an address. */
export function questionOf(mac: Mac, source: string, target: string): Uint8Array {
  const [from, to] = [ipFrom(source), ipFrom(target)]
  if (isIpv4(from) && isIpv4(to)) return arpRequest({ sha: mac, spa: from, tpa: to })
  if (isIpv6(from) && isIpv6(to)) return neighbourSolicitation({ srcMac: mac, src: from, target: to })
  throw new RangeError('two families')
}

/** The first packet of a conversation. */
export function requestFrame(srcMac: Mac, dstMac: Mac, { kind, source, destination, sourcePort, port }: Headers): Uint8Array {
  const path: Path = { srcMac, dstMac, src: ipFrom(source), dst: ipFrom(destination) }
  const ports = { srcPort: sourcePort, dstPort: port }
  if (kind === 'tcp') return tcpFrame({ ...path, ...ports, flags: tcpFlag.syn })
  if (kind === 'udp') return udpFrame({ ...path, ...ports })
  if (kind === 'icmp') return echoFrame({ ...path, id: sourcePort })
  return ipFrame({ ...path, protocol: sctpProtocol }, encodeSctp(ports, new Uint8Array(0)))
}

/** What its receiver sends back. */
export function answerFrame(srcMac: Mac, dstMac: Mac, { kind, source, destination, sourcePort, port }: Headers): Uint8Array {
  const path: Path = { srcMac, dstMac, src: ipFrom(destination), dst: ipFrom(source) }
  const ports = { srcPort: port, dstPort: sourcePort }
  if (kind === 'tcp') return tcpFrame({ ...path, ...ports, flags: tcpFlag.syn | tcpFlag.ack })
  if (kind === 'udp') return udpFrame({ ...path, ...ports })
  if (kind === 'icmp') return echoFrame({ ...path, id: sourcePort, reply: true })
  return ipFrame({ ...path, protocol: sctpProtocol }, encodeSctp({ ...ports, chunk: sctpChunk.initAck }, new Uint8Array(0)))
}

/** Read a frame that somebody got. */
export function readHeaders(bytes: Uint8Array): Headers {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) throw new Error('it is not a frame')
  const { source, destination, protocol, payload } = bytes[12] === 8 ? readIpv4(frame.payload) : readIpv6(frame.payload)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const ends = { source, destination }
  const id = protocol === ipProtocol.icmp || protocol === ipProtocol.icmpv6 ? view.getUint16(4) : undefined
  if (id !== undefined) return { ...ends, kind: 'icmp', sourcePort: id, port: id }
  const kind = protocol === ipProtocol.tcp ? 'tcp' : protocol === ipProtocol.udp ? 'udp' : 'sctp'
  return { ...ends, kind, sourcePort: view.getUint16(0), port: view.getUint16(2) }
}

interface Ip {
  readonly source: string
  readonly destination: string
  readonly protocol: number
  readonly payload: Uint8Array
}

function readIpv4(bytes: Uint8Array): Ip {
  const packet = decodeIpv4(bytes)
  if (!packet.ok) throw new Error('it is not IPv4')
  const { src, dst, protocol } = packet.value
  return { source: formatIp(src), destination: formatIp(dst), protocol, payload: packet.payload }
}

function readIpv6(bytes: Uint8Array): Ip {
  const packet = decodeIpv6(bytes)
  if (!packet.ok) throw new Error('it is not IPv6')
  const { src, dst, nextHeader } = packet.value
  return { source: formatIp(src), destination: formatIp(dst), protocol: nextHeader, payload: packet.payload }
}
