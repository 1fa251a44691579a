/**
 * Real packets between guests, run through the programs of the hosts: the guest asks for a MAC, sends, the packet goes
 * from host to host, and who gets it answers what it got.
 */
import { dropReasons, type DropReason } from '#datapath/layout.ts'
import { direction as directions } from '#datapath/policy-layout.ts'
import type { Stage } from '#datapath/tracer.ts'
import { readHeaders, questionOf, requestFrame, answerFrame, type Headers } from './guest-frames.ts'
import type { HostPrograms, Ran, UnitSide } from './host-programs.ts'
import { decodeEthernet } from '#wire/ethernet.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { formatIp, fromMapped, ipFrom, type Ip } from '#wire/ip-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import { decodeUdp } from '#wire/udp.ts'
import { decodeVxlan } from '#wire/vxlan.ts'

/** A host with its programs. */
export interface Place {
  readonly id: string
  /** Its address in the underlay. */
  readonly underlay: string
  readonly programs: HostPrograms
}

/** A guest, as its own settings say. */
export interface Guest {
  readonly host: string
  readonly mac: string
  readonly networks: readonly { readonly network: string; readonly gateway: string }[]
}

/** What a group said of a packet, at one end. */
export interface Asked {
  readonly mac: string
  readonly direction: 'in' | 'out'
  readonly refused: boolean
}

/** Where a packet ended. `routes`: prefixes that decided. */
export type Ended = { readonly asked: readonly Asked[]; readonly routes: readonly string[]; readonly text: string } & (
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly host: string }
  | { readonly kind: 'delivered'; readonly host: string; readonly unit: UnitSide; readonly frame: Uint8Array }
  | { readonly kind: 'outside'; readonly host: string; readonly frame: Uint8Array }
  | { readonly kind: 'answered'; readonly frame: Uint8Array }
  /** It came by a wire, and is not for the programs. */
  | { readonly kind: 'untaken' }
  /** It is sent to a host that nobody runs. */
  | { readonly kind: 'lost' }
)

const mostHops = 4

export class RealPackets {
  readonly #places: readonly Place[]

  constructor(places: readonly Place[]) {
    this.#places = places
  }

  /** Whether any host has a unit of this MAC. */
  hasUnit = (mac: string): boolean => this.#places.some(({ programs }) => programs.unitOf(mac) !== undefined)

  /** Whether a host runs programs. */
  runs = (host: string): boolean => this.#places.some(({ id }) => id === host)

  /** Have a guest send the first packet of a conversation. */
  request(guest: Guest, what: Headers): Ended {
    const mac = this.#macOf(guest, what.source, what.destination)
    return mac instanceof Uint8Array ? this.#fromGuest(guest, requestFrame(macFrom(guest.mac), mac, what)) : mac
  }

  /** Have the guest that got a frame answer it. */
  answer(guest: Guest, got: Uint8Array): Ended {
    const heard = readHeaders(got)
    const mac = this.#macOf(guest, heard.destination, heard.source)
    return mac instanceof Uint8Array ? this.#fromGuest(guest, answerFrame(macFrom(guest.mac), mac, heard)) : mac
  }

  /** Have somebody outside answer a packet that has left by a host's wire. */
  answerFromOutside(host: string, wire: string, sent: Uint8Array): Ended {
    return this.#fromWire(host, wire, answerFrame(outsideMac, outsideMac, readHeaders(sent)))
  }

  /** Have somebody outside send the first packet of a conversation. */
  requestFromOutside(host: string, wire: string, what: Headers): Ended {
    return this.#fromWire(host, wire, requestFrame(outsideMac, outsideMac, what))
  }

  #fromWire(host: string, wire: string, frame: Uint8Array): Ended {
    const place = this.#place(host)
    return this.#follow(place, place.programs.fromWire(wire, frame), [])
  }

  #fromGuest(guest: Guest, frame: Uint8Array): Ended {
    const place = this.#place(guest.host)
    const unit = place.programs.unitOf(guest.mac)
    if (unit === undefined) throw new Error(`${guest.mac} has no unit on its host`)
    return this.#follow(place, place.programs.fromUnit(unit, frame), [])
  }

  #place = (host: string): Place => this.#places.find(({ id }) => id === host)!

  /** The MAC that the guest gets when it asks for the destination, or for its gateway; else how the question ended. */
  #macOf(guest: Guest, source: string, destination: string): Mac | Ended {
    const own = guest.networks.find(({ network }) => contains(prefixFrom(network), ipFrom(source)))!
    const target = contains(prefixFrom(own.network), ipFrom(destination)) ? destination : own.gateway
    const ended = this.#fromGuest(guest, questionOf(macFrom(guest.mac), source, target))
    return ended.kind === 'answered' ? (ended.frame.slice(6, 12) as Mac) : ended
  }

  #follow(place: Place, ran: Ran, before: readonly string[]): Ended {
    const { stages, real } = ran
    const text = [
      ...before,
      `${place.underlay}: ${stages.map(stageText).join('; ')} -> ${real.verdict} ${real.reason ?? real.forward?.kind ?? ''}`,
    ]
    const asked = stages.flatMap((stage) => askedOf(place, stage))
    const routes = stages.flatMap(routeOf)
    const rest = { asked, routes, text: text.join('\n') }
    const traced = stages.findLast(({ stage }) => stage === 'drop')?.value[0]
    // A packet may be answered by an error as well as dropped.
    const reason = real.reason ?? (real.verdict === 'answer' && traced !== undefined ? dropReasons[traced] : undefined)
    if ((traced === undefined ? undefined : dropReasons[traced]) !== reason)
      throw new Error(`the trace says ${traced && dropReasons[traced]}, and the packet met ${reason}: ${rest.text}`)
    if (reason !== undefined) return { ...rest, kind: 'dropped', reason, host: place.id }
    if (real.verdict === 'answer') return { ...rest, kind: 'answered', frame: real.data }
    if (real.action === 'next' && real.verdict === 'none' && before.length === 0) return { ...rest, kind: 'untaken' }
    if (real.forward === undefined) throw new Error(`the packet is not sent anywhere: ${rest.text}`)
    const { kind, ifindex } = real.forward
    if (kind === 'nat') return { ...rest, kind: 'outside', host: place.id, frame: real.data }
    if (kind === 'local') return { ...rest, kind: 'delivered', host: place.id, unit: place.programs.unitAt(ifindex)!, frame: real.data }
    if (kind !== 'remote' || before.length >= mostHops) throw new Error(`it goes to ${kind}: ${rest.text}`)
    const next = this.#next(place, ran)
    if (next === undefined) return { ...rest, kind: 'lost' }
    const then = this.#follow(next.place, next.place.programs.fromTunnel(next.inner, next.outer), text)
    return { ...then, asked: [...asked, ...then.asked], routes: [...routes, ...then.routes] }
  }

  /** The host that a packet is sent to, and what it gets. */
  #next(place: Place, { stages, real }: Ran) {
    const { value, second } = stages.findLast(({ stage }) => stage === 'destination')!
    const to = second.slice(0, 4) as Ip
    const next = this.#places.find(({ underlay }) => underlay === formatIp(to))
    if (next === undefined) return undefined
    const outer = { from: ipFrom(place.underlay), to, vni: value[0]! }
    return { place: next, outer, inner: innerOf(real.data) ?? real.data }
  }
}

const outsideMac = macFrom('02:aa:bb:cc:00:99')

/** The frame in one that a program has wrapped itself. */
function innerOf(bytes: Uint8Array): Uint8Array | undefined {
  const frame = decodeEthernet(bytes)
  const ip = frame.ok ? decodeIpv4(frame.payload) : undefined
  const udp = ip?.ok === true ? decodeUdp(ip.payload) : undefined
  const vxlan = udp?.ok === true && udp.value.dstPort === 4789 ? decodeVxlan(udp.payload) : undefined
  return vxlan?.ok === true ? vxlan.payload : undefined
}

const stageText = ({ stage, value }: Stage): string => `${stage} ${stage === 'drop' ? dropReasons[value[0]!] : value.join(' ')}`

function askedOf({ programs }: Place, { stage, value }: Stage): Asked[] {
  if (stage !== 'groups') return []
  const [source, way, reason] = value
  const mac = programs.unitOfSource(source!)?.mac ?? ''
  return [{ mac, direction: way === directions.in ? 'in' : 'out', refused: reason !== 0 }]
}

/** The prefix of the route that decided; none: there was no route. */
function routeOf({ stage, value, first }: Stage): string[] {
  if (stage !== 'route' || value[1] === 0) return []
  const bits = value[1]! - 1
  return [bits >= 96 ? `${formatIp(fromMapped(first))}/${bits - 96}` : `${formatIp(first)}/${bits}`]
}
