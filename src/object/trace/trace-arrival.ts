/** mgmt `trace arrival`: what the programs would do with a packet that another host has sent to a mux of this one. */
import { readHex, type ArrivalRequest, type TraceReport, type TraceStep } from '#abi/trace.ts'
import type { PacketContext } from '#datapath/test-run.ts'
import type { OuterHeader, Traces } from '#datapath/tracer.ts'
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import { decodeIpv4, ipProtocol } from '#wire/ipv4.ts'
import { decodeIpv6 } from '#wire/ipv6.ts'
import { summarize } from '#wire/summary.ts'
import { decodeUdp } from '#wire/udp.ts'
import { decodeVxlan } from '#wire/vxlan.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import type { Ethlink, Mux } from '../store/model.ts'
import { unitName } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { shortness } from './frame.ts'
import { Names } from './names.ts'
import { forwardedTtl, outcomeOf } from './outcome.ts'
import { serviceOf } from './service.ts'
import { stepOf } from './stage-text.ts'

interface Arrival {
  readonly source: Ip
  readonly destination: Ip
  readonly port: number
  readonly ttl: number
  readonly vni: number
  readonly inner: Uint8Array
}

export function traceArrival({ context, tx, input }: Call<undefined, ArrivalRequest>): TraceReport {
  tx.asked = 'trace a packet from another host'
  const frame = readHex(input?.arrived)
  if (!frame.ok) return tx.refuse('EINVAL', frame.why)
  if (input?.wire !== undefined) return traceWire(context, tx, String(input.wire), frame.value)
  const arrival = readArrival(frame.value) ?? tx.refuse('EINVAL', 'it is not a frame in VXLAN over IPv4 or IPv6')
  const { destination, port } = arrival
  const mux = muxOf(context, arrival) ?? tx.refuse('ENOENT', `no mux of this host listens on ${formatIp(destination)}, UDP port ${port}`)
  const names = new Names(context.model, undefined, true)
  const { steps, traces } = runDirect(context, mux, frame.value, arrival) ?? runByDevice(context, mux, arrival)
  const around = { names, stages: traces.stages, service: serviceOf(arrival.inner) }
  const own = traces.stages.flatMap((stage) => stepOf(stage, around) ?? [])
  return { packet: summarize(arrival.inner), steps: [...steps, ...own], outcome: outcomeOf(names, traces, true) }
}

/**
 * A frame on the wire of a NAT or of an uplink. What the program of the uplink leaves alone, that of the NAT gets. A
 * frame for a single station on a NAT's wire is taken as sent to this host, whatever its MAC.
 */
function traceWire(context: Context, tx: Transaction, wire: string, bytes: Uint8Array): TraceReport {
  tx.asked = `trace a packet on ${wire}`
  const { model } = context
  const short = shortness(bytes)
  if (short !== undefined) return tx.refuse('EINVAL', short)
  const link = [...model.ofType('ethlink')].find(({ l2Name, serving }) => l2Name === wire && (serving.uplink || serving.wire))
  if (link === undefined || link.interfaceMac === null)
    return tx.refuse(
      'ENOENT',
      `${wire} is the interface of no uplink and of no NAT of this host`,
      'vpc switch uplink port get and vpc nat get show the port and the ethlink of each',
    )
  const traces = runOnWire(context, link, bytes)
  const names = new Names(model, undefined, true)
  const around = { names, stages: traces.stages, service: serviceOf(bytes) }
  const steps = traces.stages.flatMap((stage) => stepOf(stage, around) ?? [])
  return { packet: summarize(bytes), steps, outcome: outcomeOf(names, traces, false) }
}

function runOnWire({ datapath }: Context, { ifindex, serving, interfaceMac }: Ethlink, bytes: Uint8Array): Traces {
  if (serving.uplink) {
    const traces = datapath.tracer.run('ethlink', bytes, { ifindex })
    if (traces.verdict !== undefined && traces.verdict !== 'none') return traces
    if (!serving.wire) return traces
  }
  const frame = bytes.slice()
  if ((frame[0]! & 1) === 0) frame.set(interfaceMac!, 0)
  return datapath.tracer.run('wire', frame, { ifindex })
}

function readArrival(bytes: Uint8Array): Arrival | undefined {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) return undefined
  const ip = readIp(frame.value.type, frame.payload)
  const udp = ip && decodeUdp(ip.payload)
  const vxlan = udp?.ok === true ? decodeVxlan(udp.payload) : undefined
  if (ip === undefined || udp?.ok !== true || vxlan?.ok !== true || shortness(vxlan.payload) !== undefined) return undefined
  const { source, destination, ttl } = ip
  return { source, destination, ttl, port: udp.value.dstPort, vni: vxlan.value.vni, inner: vxlan.payload }
}

type OuterIp = Pick<Arrival, 'source' | 'destination' | 'ttl'> & { readonly payload: Uint8Array }

function readIp(type: number, bytes: Uint8Array): OuterIp | undefined {
  if (type === ethertype.ipv4) {
    const packet = decodeIpv4(bytes)
    if (!packet.ok || packet.value.protocol !== ipProtocol.udp) return undefined
    return { source: packet.value.src, destination: packet.value.dst, ttl: packet.value.ttl, payload: packet.payload }
  }
  const packet = type === ethertype.ipv6 ? decodeIpv6(bytes) : undefined
  if (packet?.ok !== true || packet.value.nextHeader !== ipProtocol.udp) return undefined
  return { source: packet.value.src, destination: packet.value.dst, ttl: packet.value.hopLimit, payload: packet.payload }
}

/** The mux that listens there; one that listens on all addresses comes last. */
function muxOf({ model }: Context, { destination, port }: Arrival): Mux | undefined {
  const able = [...model.ofType('vpcmux')].filter(
    ({ listen, ifindex }) => listen !== null && ifindex !== 0 && listen.port === port && listen.address.length === destination.length,
  )
  const own = able.find(({ listen }) => Buffer.compare(listen!.address, destination) === 0)
  return own ?? able.find(({ listen }) => listen!.address.every((byte) => byte === 0))
}

interface Run {
  readonly steps: readonly TraceStep[]
  readonly traces: Traces
}

/** By the program on the underlay's interface; undefined: it leaves the packet to the host's stack. */
function runDirect({ datapath }: Context, { underlay }: Mux, frame: Uint8Array, { source, vni, destination }: Arrival): Run | undefined {
  if (underlay === null || underlay.ifindex === 0 || underlay.interfaceMac === null || destination.length !== 4) return undefined
  const toDevice = frame.slice()
  toDevice.set(underlay.interfaceMac, 0)
  const traces = datapath.tracer.run('underlay', toDevice, { ifindex: underlay.ifindex })
  if (traces.action === 'next') return undefined
  const text = `from ${formatIp(source)}, VNI ${vni}: taken at ${unitName(underlay)}, without the host's stack`
  return { steps: [{ stage: 'tunnel', verdict: 'pass', text }], traces }
}

/** By the program on the mux's device. */
function runByDevice({ datapath }: Context, mux: Mux, { vni, source, destination, ttl, inner }: Arrival): Run {
  const outer: OuterHeader = { vni, source, destination, forwarded: ttl === forwardedTtl }
  const context: PacketContext = { ifindex: mux.ifindex }
  return { steps: [], traces: datapath.tracer.run('mux', inner, context, outer) }
}
