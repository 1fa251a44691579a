/** Asks the programs of hosts about the packet of `vpc why` and about its answer, where the senders are plugged in. */
import type { PacketRequest } from '#abi/trace.ts'
import { VpcError } from '#client/error.ts'
import type { Vpc } from '#client/vpc.ts'
import type { End, Packet, PathAnswer } from '#control/path/answer.ts'
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { formatIp } from '#wire/ip-address.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { decodeIpv6 } from '#wire/ipv6.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { follow, type Peer, type Trace } from './trace-hops.ts'
import { portHere } from './vnic-port.ts'
import { traceFromWire } from './wire-trace.ts'

interface Where {
  readonly vpcOf: () => Promise<Vpc>
  readonly stateDir: string
  readonly peers: readonly Peer[]
}

/** What programs say of a packet; or why they were not asked. */
export type Traced = Trace | { readonly unasked: string }

/** What they say of the request, and of its answer. */
export type Programs = { readonly unasked: string } | (Trace & { readonly answer: Traced })

/** The port that guests of questions send from. */
const clientPort = 49_152
const plain = { ttl: 64, size: null, vlan: null, mac: null } as const

/** Ask them. What cannot be asked is not a failure: the model's answer stands without it. */
export async function askPrograms({ from, to, packet, steps }: PathAnswer, where: Where): Promise<Programs> {
  if (from.id !== undefined && from.id === to.id && !steps.some(({ stage }) => stage === 'nat'))
    return { unasked: 'the packet stays in the guest' }
  const { protocol, source, destination, port } = packet
  const sent = { to: destination, from: source, protocol, port: port ?? 0, sourcePort: clientPort, flags: tcpFlag.syn }
  const request = from.kind === 'outside' ? await tracedIn(packet, where) : await traced(from, { ...plain, ...sent }, where)
  if ('unasked' in request) return request
  const { outcome } = request.hops.at(-1)!
  if (outcome.verdict !== 'delivered' || outcome.frame === null)
    return { ...request, answer: { unasked: 'the request ends before a guest answers it' } }
  return { ...request, answer: await traced(to, answerOf(packet, Buffer.from(outcome.frame, 'hex')), where) }
}

async function traced(end: End, packet: PacketRequest, { vpcOf, stateDir, peers }: Where): Promise<Traced> {
  const port = end.id === undefined ? undefined : portHere(stateDir, end.id)
  if (port === undefined) {
    const host = end.host?.name ?? undefined
    return { unasked: `${end.name ?? end.address} is not on this host${host === undefined ? '' : `; run vpc why on ${host}`}` }
  }
  try {
    await using opened = await (await vpcOf()).openPort(port)
    return await follow(await opened.trace({ packet }), peers)
  } catch (error) {
    if (error instanceof VpcError) return { unasked: error.message }
    throw error
  }
}

/** From the wire. */
async function tracedIn(packet: Packet, { vpcOf, peers }: Where): Promise<Traced> {
  try {
    const report = await traceFromWire(await vpcOf(), packet, clientPort)
    return report === undefined
      ? { unasked: `this host has no wire of ${packet.destination}; run vpc why on the host that has` }
      : await follow(report, peers)
  } catch (error) {
    if (error instanceof VpcError) return { unasked: error.message }
    throw error
  }
}

/** What a guest answers to the frame that it gets. */
function answerOf({ protocol, port }: Packet, frame: Uint8Array): PacketRequest {
  const [to, from] = endsOf(frame)
  return { ...plain, to, from, protocol, port: clientPort, sourcePort: port ?? clientPort, flags: tcpFlag.syn | tcpFlag.ack }
}

/** Source and destination. */
function endsOf(bytes: Uint8Array): readonly [string, string] {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) throw new Error('a delivered frame is a frame')
  const packet = frame.value.type === ethertype.ipv4 ? decodeIpv4(frame.payload) : decodeIpv6(frame.payload)
  if (!packet.ok) throw new Error('a delivered packet is a packet')
  return [formatIp(packet.value.src), formatIp(packet.value.dst)]
}

/** Reasons that an answer meets alone since a trace has no effect: the request's flow and NAT port are not there. */
const flowReasons: ReadonlySet<string> = new Set(['sg_denied', 'sg_revoked', 'flow_invalid', 'flow_unrelated', 'nat_no_mapping'])

/** Whether the programs refuse an answer as one that belongs to no flow. */
export const isForWantOfFlow = (answer: Traced): boolean => {
  const outcome = 'unasked' in answer ? undefined : answer.hops.at(-1)!.outcome
  return outcome?.verdict === 'drop' && flowReasons.has(outcome.reason)
}

/** Why the programs drop an answer; undefined: they do not, or it could be for want of the flow alone. */
export function answerDrop(answer: Traced): string | undefined {
  if ('unasked' in answer) return undefined
  const { outcome } = answer.hops.at(-1)!
  return outcome.verdict === 'drop' && !isForWantOfFlow(answer) ? outcome.reason : undefined
}
