/**
 * Random rules, groups, members, changes and packets: the programs decide each packet as a slow model does that knows
 * the rules alone, and by the same rule. A walk that fails says its seed; VPC_SEED runs it again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import { protocolNumbers } from '#abi/group-rule.ts'
import type { AddressSet, Group } from '#object/store/model.ts'
import { echoFrame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { formatIp, fromMapped, ipFrom } from '#wire/ip-address.ts'
import { GroupModel, keyOf, type Packet } from './group-model.ts'
import { GroupScene } from './group-scene.ts'
import { stations } from './scene.ts'

const seed = Number(process.env['VPC_SEED'] ?? Date.now() % 1_000_000)
const steps = Number(process.env['VPC_STEPS'] ?? 600)

/** mulberry32 */
function generator(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const names = ['a', 'b', 'free', 'far'] as const
type Name = (typeof names)[number]
const locals = ['a', 'b', 'free'] as const
const flags = { syn: 2, synAck: 0x12, ack: 0x10, fin: 0x11, rst: 4 } as const
const ports = [22, 80, 1000, 1001] as const
const networks = ['10.0.0.0/8', '10.0.0.0/30', '10.0.0.1/32', '10.0.0.8/29', '0.0.0.0/0', '::/0', '192.0.2.0/24']

class Walk {
  readonly scene = new GroupScene()
  readonly #model = new GroupModel(this.scene)
  readonly #random = generator(seed)
  readonly #groups: Group[] = Array.from({ length: 4 }, () => this.scene.group())
  readonly #sets: AddressSet[] = Array.from({ length: 2 }, () => this.scene.set())
  #rule = 0

  step(): void {
    if (this.#random() < 0.12) this.#change()
    else this.#send()
  }

  /** No flow has been idle. */
  keepFlows(): void {
    for (const name of locals) this.scene.scene.tables.policy.flows.setIdle(this.scene.ports[name].source, 0)
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!
  }

  #some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.#random() < 0.4)
  }

  #change(): void {
    const group = this.#pick(this.#groups)
    const moved = this.#pick([
      () => this.scene.rules(group, ...Array.from({ length: Math.floor(this.#random() * 4) }, () => this.#ruleOf())),
      () => void (group.onRevoke = this.#pick(['end', 'end', 'drain'] as const)),
      () => void (this.#pick(this.#sets).networks = this.#some(networks)),
      () => this.#members(group),
      () => this.#join(),
      () => this.#join(),
    ])()
    this.scene.settle(...(moved ?? []).map(ipFrom))
  }

  #ruleOf(): RuleJson {
    const protocol = this.#pick(['tcp', 'tcp', 'udp', 'icmp', 'any'] as const)
    const some = this.#some(['22', '80', '1000-1001', '0-500'])
    return {
      id: String((this.#rule++ % 60_000) + 1),
      direction: this.#pick(['in', 'in', 'out'] as const),
      protocol,
      ...((protocol === 'tcp' || protocol === 'udp') && { ports: some }),
      ...(protocol === 'icmp' && this.#random() < 0.5 && { icmp: this.#pick(['8', '8/0', '0', '3']) }),
      peers:
        this.#random() < 0.3
          ? []
          : this.#some([
              ...networks.filter((each) => protocol !== 'icmp' || each !== '::/0'),
              ...this.#groups.map(({ id }) => id),
              ...this.#sets.map(({ id }) => id),
            ]),
    }
  }

  #members(group: Group): string[] {
    const before = group.members
    group.members = this.#some(['10.0.0.9', '10.0.0.1', '10.0.0.77'])
    return [...before, ...group.members]
  }

  #join(): string[] {
    const unit = this.#pick(locals)
    const port = this.scene.ports[unit]
    this.scene.join(unit, ...this.#some(this.#groups))
    if (port.groups.length === 0) this.#model.forget(port)
    return port.addresses.map((address) => formatIp(fromMapped(address)))
  }

  #send(): void {
    const from = this.#pick(names)
    const to = this.#pick(names.filter((name) => name !== from && (from !== 'far' || name !== 'far')))
    const packet = this.#packet(from, to)
    const result =
      from === 'far' ? this.scene.scene.fromTunnel(frameOf(from, to, packet)) : this.scene.scene.from(from, frameOf(from, to, packet))
    const wanted =
      (from === 'far' ? undefined : this.#model.decide(this.scene.ports[from], 'out', packet)) ??
      (to === 'far' ? undefined : this.#model.decide(this.scene.ports[to], 'in', packet))
    assert.equal(result.reason ?? 'passes', wanted?.reason ?? 'passes', `${from} to ${to}: ${JSON.stringify(packet)}`)
    if (from !== 'far') this.#compareFlows(from, keyOf(this.scene.ports[from], 'out', packet))
    if (to !== 'far') this.#compareFlows(to, keyOf(this.scene.ports[to], 'in', packet))
  }

  #packet(from: Name, to: Name): Packet {
    const way = { from: formatIp(stations[from].v4), to: formatIp(stations[to].v4) }
    const protocol = this.#pick(['tcp', 'tcp', 'udp', 'icmp'] as const)
    if (protocol === 'icmp') return { ...way, protocol, fromPort: this.#pick([1, 2]), toPort: 0, isReply: this.#random() < 0.4 }
    const base = { ...way, protocol, fromPort: this.#pick(ports), toPort: this.#pick(ports) }
    return protocol === 'tcp' ? { ...base, flag: this.#pick(['syn', 'syn', 'synAck', 'ack', 'ack', 'fin', 'rst'] as const) } : base
  }

  /** The flows of a port that the tables have, and the rule of the one that a packet was of. */
  #compareFlows(name: 'a' | 'b' | 'free', asked: string): void {
    const port = this.scene.ports[name]
    const { flows } = this.scene.scene.tables.policy
    const found = [...flows.ofPort(port.source), ...(flows.young().get(port.source) ?? [])].map(({ key, flow }): [string, number] => {
      const protocol = Object.entries(protocolNumbers).find(([, number]) => number === key.protocol)![0]
      const ends = `${formatIp(fromMapped(key.inside))} ${formatIp(fromMapped(key.outside))}`
      return [`${port.source} ${protocol} ${ends} ${key.insidePort} ${key.outsidePort}`, flow.rule]
    })
    const wanted = this.#model.flows(port)
    assert.deepEqual(found.map(([key]) => key).sort(), [...wanted.keys()].sort(), name)
    for (const [key, rule] of found) if (key === asked) assert.equal(rule, wanted.get(key), key)
  }
}

function frameOf(from: Name, to: Name, { protocol, fromPort, toPort, flag, isReply = false }: Packet): Uint8Array {
  const way = { srcMac: stations[from].mac, dstMac: stations[to].mac, src: stations[from].v4, dst: stations[to].v4 }
  if (protocol === 'icmp') return echoFrame({ ...way, id: fromPort, reply: isReply })
  const path = { ...way, srcPort: fromPort, dstPort: toPort }
  return protocol === 'udp' ? udpFrame(path) : tcpFrame({ ...path, flags: flags[flag!] })
}

test(`${steps} random steps are decided as the rules alone decide (VPC_SEED=${seed})`, () => {
  const walk = new Walk()
  using _ = walk.scene
  for (let i = 0; i < steps; i++) {
    // On a slow machine flows would be forgotten between two steps: the model knows no time.
    if (i % 10 === 0) walk.keepFlows()
    walk.step()
  }
})
