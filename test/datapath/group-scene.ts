/**
 * The scene of packet tests with security groups: groups and sets as objects, ports in them, and the tables that
 * follow, written by what vpcd itself writes them with.
 */
import { readRules, type RuleJson } from '#abi/group-rule.ts'
import { generateId, type Id } from '#abi/id.ts'
import { initialSettings } from '#abi/settings.ts'
import { dstFlag, portFlag } from '#datapath/layout.ts'
import { Dirty } from '#object/store/dirty.ts'
import { Model, type AddressSet, type Group, type Port, type Switch } from '#object/store/model.ts'
import { allowsMulticast, policyOf } from '#object/sync/policy/policy.ts'
import { planPolicies } from '#object/sync/policy/settle-policies.ts'
import { groupsOf, vpcOf } from '#object/sync/policy/vpc-policy.ts'
import { addressKey } from '#object/store/keys.ts'
import { ipFrom, toMapped, type Ip } from '#wire/ip-address.ts'
import { Scene, stations, type Unit } from './scene.ts'

const sources = { a: 1, b: 2, free: 3, tagged: 4, other: 5 } as const
const base = (type: string) => ({
  type,
  id: generateId(type as 'group'),
  committed: true,
  descriptors: 0,
  dead: false,
  mac: stations.a.mac,
})

export class GroupScene implements Disposable {
  readonly scene: Scene
  readonly model = new Model()
  readonly sw: Switch
  readonly ports: Record<Unit, Port>
  #unit = 0

  constructor(scene = new Scene()) {
    this.scene = scene
    this.sw = this.#add({ ...base('vpcsw'), ...initialSettings('vpcsw'), unit: 0, ports: new Set() } as unknown as Switch)
    const port = (unit: Unit): Port =>
      ({
        ...base('vpcp'),
        ...initialSettings('vpcp'),
        switch: this.sw,
        unit: sources[unit],
        source: sources[unit],
        maxFlows: 64,
        addresses: [toMapped(stations[unit].v4), toMapped(stations[unit].v6)],
      }) as unknown as Port
    this.ports = { a: port('a'), b: port('b'), free: port('free'), tagged: port('tagged'), other: port('other') }
    for (const each of Object.values(this.ports)) {
      this.#add(each)
      this.sw.ports.add(each)
    }
  }

  /** A group with these rules. */
  group(...rules: readonly RuleJson[]): Group {
    const group = { ...base('group'), ...initialSettings('group'), unit: this.#unit++, switch: this.sw.id } as Group
    this.#add(group)
    this.rules(group, ...rules)
    return group
  }

  set(...networks: readonly string[]): AddressSet {
    return this.#add({ ...base('set'), ...initialSettings('set'), unit: this.#unit++, switch: this.sw.id, networks } as AddressSet)
  }

  /** Give a group other rules. */
  rules(group: Group, ...rules: readonly RuleJson[]): void {
    const read = readRules(rules)
    if (!read.ok) throw new Error(read.problem)
    group.rules = read.value
  }

  /** Put a unit's port into groups. */
  join(unit: Unit, ...groups: readonly Group[]): void {
    this.ports[unit].groups = groups.map(({ id }) => id)
  }

  /** Write the tables. `moved`: addresses that have come into groups or left them. */
  settle(...moved: readonly Ip[]): void {
    this.#settle(moved)
  }

  #settle(moved: readonly Ip[]): void {
    const dirty = new Dirty()
    dirty.policies = true
    for (const address of moved) dirty.members.add(vpcOf(this.sw), addressKey(toMapped(address)))
    const work = planPolicies(this.model, this.scene.tables.policy, dirty)
    work.write()
    for (const unit of ['a', 'b', 'free'] as const) this.#flag(unit)
    work.remove()
  }

  /** Members of a group on other hosts. */
  members(group: Group, ...members: readonly string[]): void {
    const moved = [...group.members, ...members].map(ipFrom)
    group.members = members
    this.#settle(moved)
  }

  /** No port is in a group, and there is no flow. */
  reset(): void {
    for (const unit of ['a', 'b', 'free'] as const) this.join(unit)
    for (const id of this.model.objects.keys()) {
      const object = this.model.objects.get(id)!
      if (object.type !== 'group' && object.type !== 'set') continue
      this.model.objects.delete(id)
      this.model.byType[object.type].delete(object.unit)
    }
    this.settle()
    this.scene.reset()
  }

  [Symbol.dispose](): void {
    this.scene[Symbol.dispose]()
  }

  #flag(unit: 'a' | 'b' | 'free'): void {
    const { scene } = this
    const port = this.ports[unit]
    const inGroups = port.groups.length > 0
    const usual = portFlag.up | portFlag.ethertypes | (unit === 'free' ? 0 : portFlag.antispoof) | (unit === 'a' ? portFlag.addresses : 0)
    scene.port(unit, { flags: usual | (inGroups ? portFlag.policy : 0) })
    const multicast = allowsMulticast(policyOf(groupsOf(this.model, port), 'in')) ? dstFlag.multicast : 0
    const dst = scene.local(unit, { flags: inGroups ? dstFlag.policy | multicast : 0 })
    scene.learn(unit, dst)
    const page = scene.tables.flood.get({ segment: 5001, page: 0 })!
    scene.floodTo(
      5001,
      page.dst.slice(0, page.count).map((each) => (each.ifindex === dst.ifindex ? dst : each)),
    )
  }

  #add<O extends Switch | Port | Group | AddressSet>(object: O): O {
    this.model.objects.set(object.id as Id, object)
    ;(this.model.byType[object.type] as Map<number, unknown>).set(object.unit, object)
    return object
  }
}
