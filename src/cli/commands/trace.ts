/** `vpc trace`. */
import { readFile } from 'node:fs/promises'
import { maxTracedBytes, type PacketRequest, type TraceReport } from '#abi/trace.ts'
import type { Vpc } from '#client/vpc.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { decodePcap } from '#wire/pcap.ts'
import { command } from '../command.ts'
import { exitCodes, Failure, usageFailure } from '../failure.ts'
import { idOf, ipOption, macOption, vlanOption } from '../kinds.ts'
import { flag, integer, text, type OptionValues } from '../option.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { follow, peerOf, type Peer, type Trace } from '../trace-hops.ts'
import { traceText } from '../trace-text.ts'
import { vnicPort } from '../vnic-port.ts'

const port = (help: string) => integer(help, 'PORT', 0, 65535)

const packetOptions = {
  to: ipOption('destination of the packet'),
  from: ipOption('its source').defaultsTo('an address of the port'),
  tcp: port('TCP to this port'),
  udp: port('UDP to this port'),
  sctp: integer('SCTP to this port', 'PORT', 0, 65_535),
  icmp: flag('a ping'),
  protocol: integer('another protocol, by its number', 'NUMBER', 0, 255),
  fromPort: port('source port, or identifier of a ping').default(49152),
  syn: flag('TCP flag; without any flag, SYN is set'),
  ack: flag('TCP flag'),
  fin: flag('TCP flag'),
  rst: flag('TCP flag'),
  ttl: integer('TTL, or hop limit', 'HOPS', 0, 255).default(64),
  size: integer('bytes of the IP packet', 'BYTES', 20, maxTracedBytes - 100).defaultsTo('as few as it needs'),
  vlan: vlanOption('VLAN tag of the frame; 0: none').defaultsTo('that of the port'),
  mac: macOption('destination MAC').defaultsTo('what the host answers when the guest asks'),
} as const
type PacketOptions = OptionValues<typeof packetOptions>

export default command({
  path: 'trace',
  summary: 'see what would become of a packet, and which entry decides',
  description: `Asks the programs of the host, with the tables of the host, what they would do with a packet that the
    interface in a port sends. It prints each stage with the entry that decided, and where the packet would be dropped,
    what would have to change. No packet moves: flows, counters, limits and tables stay as they are.

    The packet is one that options describe, or each frame of a file of tcpdump.

    When it leaves for another host, --peer names vpcds that may be asked for the rest: a run directory on this machine,
    or ssh:HOST, where the command runs ssh. In a lab, the other hosts of the lab are asked. --arrived is what the other
    host is asked: a frame with its outer headers. With --wire, a frame comes in on the interface of a NAT
    or an uplink.

    Needs READ on the port. Who may also read the whole host sees the names of all objects; others learn what becomes
    of their packet and why. --arrived needs a management handle with READ. The exit code is 1 when a packet is dropped.`,
  options: {
    port: idOf('vpcp', 'the port whose interface sends the packet'),
    vnic: text('the vnic that sends it, by its id or its name in the cloud', 'VNIC', { names: 'vnic' }),
    ...packetOptions,
    pcap: text('a pcap file: trace each of its frames', 'FILE', 'file'),
    arrived: text('a frame from another host, in hexadecimal digits', 'HEX'),
    wire: text('the frame, of --arrived or a file, comes in on this interface of a NAT or an uplink', 'INTERFACE'),
    peer: text('another vpcd to ask: its run directory, or ssh:[USER@]HOST', 'PEER').repeated,
    context: text('context of the cloud that has the vnic (vpc context list)', 'NAME'),
    stateDir: agentStateDir,
  },
  examples: [
    { line: 'vpc trace --port=web --to=10.1.0.5 --tcp=443', does: 'would a connection be let through?' },
    { line: 'vpc trace --vnic=web1 --to=10.1.0.5 --tcp=443', does: 'the same of a vnic of the cloud' },
    { line: 'vpc trace --port=web --to=10.1.0.5 --icmp --peer=ssh:h2', does: 'a ping, to the end' },
    { line: 'vpc trace --port=web --pcap=strange.pcap', does: 'each frame of a file' },
  ],
  async run({ port, vnic, pcap, arrived, wire, peer, context, stateDir, ...packet }, { vpc, output }) {
    const peers = peersOf(peer)
    if (port !== undefined && vnic !== undefined) throw usageFailure('say who sends the packet by one of --port and --vnic')
    const client = await vpc()
    const portId = vnic === undefined ? port : await vnicPort(vnic, { context, stateDir })
    const reports =
      arrived !== undefined || wire !== undefined ? arrivals(client, arrived, pcap, wire) : requestsOf(client, portId, pcap, packet)
    let dropped = false
    for await (const report of reports) {
      const trace: Trace = await follow(report, peers)
      dropped ||= trace.hops.at(-1)!.outcome.verdict === 'drop'
      if (pcap === undefined) output.result(trace, () => traceText(trace, output.style))
      else output.item(trace, () => traceText(trace, output.style))
    }
    return dropped ? exitCodes.failed : exitCodes.ok
  },
})

/** Those that were named; in a lab, the lab's other hosts. */
function peersOf(named: readonly string[]): Peer[] {
  const ofLab = (process.env['VPC_PEERS'] ?? '').split(':').filter((path) => path !== '')
  return (named.length > 0 ? named : ofLab).map(peerOf)
}

async function* arrivals(
  client: Vpc,
  frame: string | undefined,
  pcap: string | undefined,
  wire: string | undefined,
): AsyncGenerator<TraceReport> {
  if (frame === undefined && pcap === undefined) throw usageFailure('--wire needs a frame: give --arrived or --pcap')
  const frames = frame === undefined ? (await framesOf(pcap!)).map((request) => request.frame) : [frame]
  await using mgmt = await client.mgmt()
  for (const each of frames) yield await mgmt.traceArrival(each, wire)
}

async function* requestsOf(
  client: Vpc,
  id: string | undefined,
  pcap: string | undefined,
  options: PacketOptions,
): AsyncGenerator<TraceReport> {
  if (id === undefined)
    throw usageFailure(
      '--port is missing: the port whose interface sends the packet; vpc switch port list has them. Or name a vnic of the cloud: --vnic',
    )
  const requests = pcap === undefined ? [{ packet: packetOf(options) }] : await framesOf(pcap)
  await using opened = await client.openPort(id)
  for (const request of requests) yield await opened.trace(request)
}

async function framesOf(path: string): Promise<{ readonly frame: string }[]> {
  const file = await readFile(path).catch((error: Error) => {
    throw new Failure('failed', `cannot read ${path}: ${error.message}`)
  })
  const frames = decodePcap(file)
  if (!frames.ok) throw new Failure('failed', `cannot read ${path}: ${frames.problem}`)
  return frames.value.map(({ data }) => ({ frame: Buffer.from(data).toString('hex') }))
}

function packetOf({ to, from, tcp, udp, sctp, icmp, protocol, fromPort, ttl, size, vlan, mac, ...flags }: PacketOptions): PacketRequest {
  if (to === undefined) throw usageFailure('--to is missing: the destination of the packet; or give a file with --pcap')
  const kinds = [tcp !== undefined, udp !== undefined, sctp !== undefined, icmp, protocol !== undefined].filter(Boolean).length
  if (kinds !== 1) throw usageFailure('give one of --tcp, --udp, --sctp, --icmp and --protocol')
  const set = (['syn', 'ack', 'fin', 'rst'] as const).reduce((sum, name) => sum + (flags[name] ? tcpFlag[name] : 0), 0)
  return {
    to,
    from: from ?? null,
    protocol: tcp !== undefined ? 'tcp' : udp !== undefined ? 'udp' : sctp !== undefined ? 'sctp' : icmp ? 'icmp' : protocol!,
    port: tcp ?? udp ?? sctp ?? 0,
    sourcePort: fromPort,
    flags: set || tcpFlag.syn,
    ttl,
    size: size ?? null,
    vlan: vlan ?? null,
    mac: mac ?? null,
  }
}
