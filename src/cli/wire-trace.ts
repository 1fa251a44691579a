/** Asks the programs of this host about a packet from outside, where it has the wire of the public address. */
import { type NatInfo, type EthlinkInfo } from '#abi/info.ts'
import type { TraceReport } from '#abi/trace.ts'
import type { Vpc } from '#client/vpc.ts'
import type { Packet } from '#control/path/answer.ts'
import { echoFrame, ipFrame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { encodeSctp, sctpProtocol } from '#wire/sctp.ts'
import { tcpFlag } from '#wire/tcp.ts'

/** Those of a router on the wire; vpcd writes its own as the destination. */
const link = { srcMac: macFrom('02:00:00:00:00:01'), dstMac: macFrom('02:00:00:00:00:02') }

/** What they would do with it. Undefined: this host has no wire of that address. */
export async function traceFromWire(vpc: Vpc, packet: Packet, sourcePort: number): Promise<TraceReport | undefined> {
  await using mgmt = await vpc.mgmt()
  const nats = (await mgmt.describeAll('vpcnat')) as NatInfo[]
  const nat = nats.find(({ floats }) => floats.some((float) => float.startsWith(`${packet.destination} to `)))
  if (typeof nat?.ethlink !== 'string') return undefined
  const links = (await mgmt.describeAll('ethlink')) as EthlinkInfo[]
  const wire = links.find(({ id }) => id === nat.ethlink)?.l2Name
  return typeof wire !== 'string' ? undefined : await mgmt.traceArrival(Buffer.from(frameOf(packet, sourcePort)).toString('hex'), wire)
}

function frameOf({ protocol, port, source, destination }: Packet, srcPort: number): Uint8Array {
  const path = { ...link, src: ipFrom(source), dst: ipFrom(destination) }
  const ports = { srcPort, dstPort: port ?? 0 }
  if (protocol === 'tcp') return tcpFrame({ ...path, ...ports, flags: tcpFlag.syn })
  if (protocol === 'udp') return udpFrame({ ...path, ...ports })
  if (protocol === 'icmp') return echoFrame({ ...path, id: srcPort })
  return ipFrame({ ...path, protocol: sctpProtocol }, encodeSctp(ports, new Uint8Array(0)))
}
