/** vpcp `trace`: what the programs would do with a packet that a port's unit sends. */
import { readHex, readPacketRequest, type PacketRequest, type TraceReport, type TraceRequest, type TraceStep } from '#abi/trace.ts'
import { formatIp, fromMapped, parseIp, type Ip } from '#wire/ip-address.ts'
import { asMac, formatMac, parseMac, type Mac } from '#wire/mac.ts'
import { contains } from '#wire/prefix.ts'
import { summarize } from '#wire/summary.ts'
import { subnetOf } from '../store/claims.ts'
import { addressOfKey, macNumber } from '../store/keys.ts'
import { fullName, unitName, type Port, type Unit } from '../store/model.ts'
import { networksOf } from '../store/routing.ts'
import type { Call } from '../operation.ts'
import { groupMac, packetFrame, questionFrame, shortness, type Ends } from './frame.ts'
import { Names } from './names.ts'
import { outcomeOf } from './outcome.ts'
import { serviceOf } from './service.ts'
import { stepOf } from './stage-text.ts'

type PortCall = Call<Port, TraceRequest>

/** What the unit sends, and the steps to it. */
interface Sent {
  readonly steps: readonly TraceStep[]
  /** Undefined: the unit does not learn whom to send it to. */
  readonly frame: Uint8Array | undefined
  /** In place of the frame. */
  readonly instead?: TraceReport
}

export function tracePort(call: PortCall): TraceReport {
  const { context, tx, object: port, seesHost } = call
  tx.asked = `trace a packet from port ${unitName(port)}`
  const unit = unitOf(call)
  const { steps, frame, instead } = sentBy(call, unit)
  if (frame === undefined) return instead!
  const names = new Names(context.model, port, seesHost())
  const traces = context.datapath.tracer.run('unit', frame, { ifindex: unit.ifindex })
  const around = { names, stages: traces.stages, service: serviceOf(frame) }
  const own = traces.stages.flatMap((stage) => stepOf(stage, around) ?? [])
  return { packet: summarize(frame), steps: [...steps, ...own], outcome: outcomeOf(names, traces, false) }
}

function unitOf({ tx, object: { peer } }: PortCall): Unit {
  if (peer === null) return tx.refuse('ENOTCONN', 'nothing is connected to it', 'connect an interface: vpc switch port connect')
  if (peer.type === 'ethlink') return tx.refuse('EOPNOTSUPP', 'its interface is an ethlink', 'trace packets from vmnics and hostifs')
  if (peer.ifindex === 0) tx.refuse('ENODEV', `${unitName(peer)} has no device now`)
  return peer
}

function sentBy(call: PortCall, unit: Unit): Sent {
  const { tx, input } = call
  if (typeof input !== 'object' || input === null) return tx.refuse('EINVAL', 'the request is not an object')
  if ('frame' in input) {
    const frame = readHex(input.frame)
    if (!frame.ok) return tx.refuse('EINVAL', frame.why)
    const short = shortness(frame.value)
    if (short !== undefined) return tx.refuse('EINVAL', short)
    return { steps: [], frame: frame.value }
  }
  const request = readPacketRequest(input.packet)
  return request.ok ? build(call, unit, request.value) : tx.refuse('EINVAL', request.why)
}

function build(call: PortCall, unit: Unit, request: PacketRequest): Sent {
  const { tx, object: port } = call
  const to = readAddress(call, request.to)
  const from = request.from === null ? ownAddress(call, unit, to) : readAddress(call, request.from)
  if (from.length !== to.length) tx.refuse('EINVAL', `${formatIp(from)} and ${formatIp(to)} are of two families`)
  const ends: Ends = { mac: unit.mac, from, to, vlan: request.vlan ?? port.vlan }
  const given = request.mac === null ? groupMac(to) : readMac(call, request.mac)
  if (given !== undefined) return { steps: [], frame: packetFrame(ends, given, request) }
  return ask(call, unit, ends, request)
}

/** Ask for the MAC as the guest would: of the destination, or of the gateway to it. */
function ask({ context, object: port, seesHost }: PortCall, unit: Unit, ends: Ends, request: PacketRequest): Sent {
  const target = nextHop(port, ends.to)
  const question = questionFrame({ ...ends, vlan: port.vlan }, target)
  const traces = context.datapath.tracer.run('unit', question, { ifindex: unit.ifindex })
  if (traces.verdict === 'answer') {
    const mac = asMac(traces.data.slice(6, 12))
    const whose = target === ends.to ? '' : `gateway `
    const text = `${whose}${formatIp(target)} is at ${formatMac(mac)}: this host answers for it`
    return { steps: [{ stage: 'neighbour', verdict: 'pass', text }], frame: packetFrame(ends, mac, request) }
  }
  const names = new Names(context.model, port, seesHost())
  const around = { names, stages: traces.stages, service: 'any' }
  const steps = traces.stages.flatMap((stage) => stepOf(stage, around) ?? [])
  const text = `this host does not answer for ${formatIp(target)}; to trace a packet all the same, name the MAC: --mac`
  const lost: TraceStep = { stage: 'neighbour', verdict: traces.verdict === 'flood' ? 'pass' : 'drop', text }
  return {
    steps: [],
    frame: undefined,
    instead: { packet: summarize(question), steps: [...steps, lost], outcome: outcomeOf(names, traces, false) },
  }
}

/** Whom the unit asks for: the destination, when it is in the unit's subnet, or when that has no gateway. */
function nextHop({ switch: sw, vni }: Port, to: Ip): Ip {
  const subnet = sw === null ? undefined : subnetOf(sw, vni)
  const networks = (subnet === undefined ? [] : networksOf(subnet)).filter(({ gateway }) => gateway.length === to.length)
  if (networks.length === 0 || networks.some(({ prefix }) => contains(prefix, to))) return to
  return networks[0]!.gateway
}

function readAddress({ tx }: PortCall, text: string): Ip {
  const address = parseIp(text)
  return address.ok ? address.value : tx.refuse('EINVAL', address.problem)
}

function readMac({ tx }: PortCall, text: string): Mac {
  const mac = parseMac(text)
  return mac.ok ? mac.value : tx.refuse('EINVAL', mac.problem)
}

/** The first address of the port, of the destination's family; or one that the switch knows of its unit. */
function ownAddress({ tx, object: port }: PortCall, unit: Unit, to: Ip): Ip {
  const listed = port.addresses.map(fromMapped).find((address) => address.length === to.length)
  if (listed !== undefined) return listed
  const known = port.switch?.neighbours.vnis.get(port.vni) ?? new Map<string, number>()
  const mac = macNumber(unit.mac)
  for (const [key, owner] of known) {
    const address = fromMapped(addressOfKey(key))
    if (owner === mac && address.length === to.length) return address
  }
  return tx.refuse('EINVAL', `no address of ${fullName(port)} is known for packets to ${formatIp(to)}`, 'name one: --from=ADDRESS')
}
