/**
 * A slow model of security groups, by the rules alone: no classes, vectors or tables. Tests compare the programs'
 * decisions with it.
 */
import { isObjectPeer, parsePorts, protocolNumber, type GroupRule, type RuleDirection } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import type { DropReason } from '#datapath/layout.ts'
import type { Group, Port } from '#object/store/model.ts'
import { ruleNumber } from '#object/sync/policy/policy.ts'
import { formatIp, fromMapped, ipFrom } from '#wire/ip-address.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import type { GroupScene } from './group-scene.ts'

export interface Packet {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** Addresses as text. */
  readonly from: string
  readonly to: string
  /** Of ICMP: the identifier, and 0. */
  readonly fromPort: number
  readonly toPort: number
  /** Of TCP. */
  readonly flag?: 'syn' | 'synAck' | 'ack' | 'fin' | 'rst'
  /** Of ICMP: an answer. */
  readonly isReply?: boolean
}

interface ModelFlow {
  readonly initiator: RuleDirection
  /** Protocol and ports of the first packet. */
  readonly protocol: Packet['protocol']
  readonly service: number
  readonly peer: string
  rule: number
  denied: boolean
  closing: boolean
  readonly fins: Set<RuleDirection>
}

type Outcome = { readonly reason: DropReason } | undefined

export class GroupModel {
  readonly #scene: GroupScene
  readonly #flows = new Map<string, ModelFlow>()

  constructor(scene: GroupScene) {
    this.#scene = scene
  }

  /** What becomes of a packet at a port; undefined: it passes. */
  decide(port: Port, direction: RuleDirection, packet: Packet): Outcome {
    if (port.groups.length === 0) return undefined
    const key = keyOf(port, direction, packet)
    const peer = direction === 'in' ? packet.from : packet.to
    let flow = this.#flows.get(key)
    if (flow !== undefined) this.#judge(port, flow)
    if (flow !== undefined && packet.flag === 'syn' && (flow.closing || flow.denied)) {
      this.#flows.delete(key)
      flow = undefined
    }
    if (flow !== undefined) return this.#follow(flow, direction, packet)
    const service = packet.protocol === 'icmp' ? (packet.isReply ? 0 : 8) << 8 : packet.toPort
    const rule = this.#allowed(port, direction, packet.protocol, service, peer)
    if (rule === undefined) return { reason: 'sg_denied' }
    const begins = packet.protocol === 'tcp' ? packet.flag === 'syn' : packet.isReply !== true
    if (begins)
      this.#flows.set(key, {
        initiator: direction,
        protocol: packet.protocol,
        service,
        peer,
        rule,
        denied: false,
        closing: false,
        fins: new Set(),
      })
    return undefined
  }

  /** Flows and the numbers of their rules, as the tables should have them. */
  flows(port: Port): ReadonlyMap<string, number> {
    const own = [...this.#flows].filter(([key]) => key.startsWith(`${port.source} `))
    return new Map(own.map(([key, { rule }]) => [key, rule]))
  }

  /** A port that is in no group has no flows. */
  forget(port: Port): void {
    for (const key of this.#flows.keys()) if (key.startsWith(`${port.source} `)) this.#flows.delete(key)
  }

  #judge(port: Port, flow: ModelFlow): void {
    const rule = this.#allowed(port, flow.initiator, flow.protocol, flow.service, flow.peer)
    const drains = this.#groups(port).length > 0 && this.#groups(port).every(({ onRevoke }) => onRevoke === 'drain')
    if (rule !== undefined) {
      flow.rule = rule
      if (flow.denied) flow.closing = false
      flow.denied = false
    } else if (!drains) flow.denied = true
  }

  #follow(flow: ModelFlow, direction: RuleDirection, { flag }: Packet): Outcome {
    if (flow.denied) return { reason: 'sg_revoked' }
    if (flag === 'fin') flow.fins.add(direction)
    if (flag === 'rst' || flow.fins.size === 2) flow.closing = true
    return undefined
  }

  #groups({ groups }: Port): Group[] {
    return groups.flatMap((id) => this.#scene.model.find('group', id) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** The number of the first rule that allows it; 0: everything may go out. */
  #allowed(port: Port, direction: RuleDirection, protocol: Packet['protocol'], service: number, peer: string): number | undefined {
    const groups = this.#groups(port)
    const all = groups.flatMap(({ id, rules }) => rules.filter((rule) => rule.direction === direction).map((rule) => [id, rule] as const))
    if (direction === 'out' && all.length === 0) return 0
    const found = all.find(
      ([, rule]) => matches(rule, protocol, service) && (rule.peers.length === 0 || rule.peers.some((each) => this.#isPeer(each, peer))),
    )
    return found && ruleNumber(found[0], found[1].id)
  }

  #isPeer(peer: string, address: string): boolean {
    if (!isObjectPeer(peer)) return contains(prefixFrom(peer), ipFrom(address))
    const { model } = this.#scene
    const set = model.find('set', peer as Id)
    if (set !== undefined) return set.networks.some((network) => contains(prefixFrom(network), ipFrom(address)))
    const group = model.find('group', peer as Id)
    if (group === undefined) return false
    if (group.members.includes(address)) return true
    return [...model.ofType('vpcp')].some(
      (port) => port.groups.includes(group.id) && port.addresses.some((own) => formatIp(fromMapped(own)) === address),
    )
  }
}

function matches({ protocol, ports, icmp }: GroupRule, asked: Packet['protocol'], service: number): boolean {
  const number = protocolNumber(protocol)
  if (number !== undefined && number !== protocolNumber(asked)) return false
  if (icmp !== null) {
    const [type, code] = icmp.split('/').map(Number)
    return service >> 8 === type && (code === undefined || (service & 255) === code)
  }
  return ports.length === 0 || ports.some((text) => parsePorts(text)![0] <= service && service <= parsePorts(text)![1])
}

/** Port, protocol, and the two ends as the port sees them. */
export function keyOf({ source }: Port, direction: RuleDirection, { protocol, from, to, fromPort, toPort }: Packet): string {
  if (protocol === 'icmp') return `${source} icmp ${direction === 'in' ? `${to} ${from}` : `${from} ${to}`} ${fromPort} 0`
  return `${source} ${protocol} ${direction === 'in' ? `${to} ${from} ${toPort} ${fromPort}` : `${from} ${to} ${fromPort} ${toPort}`}`
}
