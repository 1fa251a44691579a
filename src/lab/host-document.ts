/**
 * The objects of one host as a document, which its vpcd applies: underlay, mux, and for each customer a switch with its
 * subnets and groups; a port and an interface for each guest.
 */
import { nameProblem } from '#abi/object-name.ts'
import { hostFileVersion, type HostDocument } from '#abi/host-file.ts'
import { formatIp, isIpv4, type Ip } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { formatPrefix } from '#wire/prefix.ts'
import type { GroupPlan } from './plan-groups.ts'
import type { StationPlan } from './plan-guest.ts'
import type { HostObjects, SwitchPlan } from './plan-host.ts'

export interface DocumentOptions {
  /** Whose the objects are; without one, all objects of the host are in the document. */
  readonly owner?: string
}

/** An object of the document, and what it was made for: `guests.red1` of the file. */
interface Made {
  readonly list: 'ethlinks' | 'muxes' | 'vmnics' | 'hostifs' | 'switches' | 'routers' | 'subnets' | 'groups' | 'nats'
  readonly item: HostDocument
  readonly from: string
}

/**
 * A document, and what each of its parts was made for, by the part's place: `switches[0].ports[1]` is `guests.red1`.
 */
export interface CompiledHost {
  readonly document: HostDocument
  readonly origins: ReadonlyMap<string, string>
}

/** Compile the plan of a host. Pure, and the same on each machine. */
export function compileHost(host: HostObjects, { owner }: DocumentOptions = {}): CompiledHost {
  const origins = new Map<string, string>()
  const lists: Record<string, HostDocument[]> = {}
  for (const { list, item, from } of objectsOf(host)) {
    const items = (lists[list] ??= [])
    origins.set(`${list}[${items.length}]`, from)
    items.push(item)
  }
  for (const [i, { guests, uplink }] of host.switches.entries()) {
    const ports = [...guests.map(({ name }) => `guests.${name}`), ...(uplink ? [`links.${uplink.name}`] : [])]
    for (const [j, from] of ports.entries()) origins.set(`switches[${i}].ports[${j}]`, from)
  }
  return { document: { version: hostFileVersion, ...(owner !== undefined && { owner }), ...lists }, origins }
}

/** In the order in which vpcd gives out unit names. */
function objectsOf(host: HostObjects): Made[] {
  const { switches } = host
  return [
    ...underlayOf(host),
    ...wiresOf(switches),
    ...switches.flatMap(({ guests }) => guests.map(interfaceOf)),
    ...switches.map((plan): Made => ({ list: 'switches', item: switchOf(plan), from: `customers.${plan.customer}` })),
    ...switches.flatMap((plan) => [...routerOf(plan), ...subnetsOf(plan), ...natOf(plan), ...groupsOf(plan, host.name)]),
  ]
}

/** An object's name, where it can have this one; one of the type has it. */
const named = (name: string): { readonly name?: string } => (nameProblem(name) === undefined ? { name } : {})

const addressesOf = ({ addresses }: Pick<StationPlan, 'addresses'>): string[] => addresses.map(({ address }) => formatIp(address))

function underlayOf({ name, device, listen, ethlinkId, muxId, entries }: HostObjects): Made[] {
  const from = `hosts.${name}`
  const told = entries.map(({ vni, mac, vtep }) => ({ vni, mac: formatMac(mac), vtep: formatIp(vtep) }))
  return [
    { list: 'ethlinks', item: { id: ethlinkId, 'l2-name': device }, from },
    { list: 'muxes', item: { id: muxId, underlay: ethlinkId, listen, ...(told.length > 0 && { entries: told }) }, from },
  ]
}

/** Uplinks, and the wires of NATs: two customers may share one of those. */
function wiresOf(switches: readonly SwitchPlan[]): Made[] {
  const made = new Map<string, Made>()
  for (const { uplink, nat } of switches) {
    if (uplink !== undefined) {
      const { ethlinkId: id, l2Name, vtag, name } = uplink
      made.set(id, { list: 'ethlinks', item: { id, 'l2-name': l2Name, ...(vtag !== 0 && { vtag }) }, from: `links.${name}` })
    }
    if (nat?.wire !== undefined) {
      const { ethlinkId: id, l2Name, name } = nat.wire
      made.set(id, { list: 'ethlinks', item: { id, 'l2-name': l2Name }, from: `links.${name}` })
    }
  }
  return [...made.values()]
}

function interfaceOf({ name, interfaceId: id, place, addresses, gateways, dhcp }: StationPlan): Made {
  const from = `guests.${name}`
  if (place === undefined) return { list: 'hostifs', item: { id }, from }
  if (place === 'vm') return { list: 'vmnics', item: { id, ...named(name) }, from }
  // What DHCP gives, and the link-local address that the kernel makes, are not set.
  const isGiven = (address: Ip): boolean => !(dhcp && isIpv4(address)) && !formatIp(address).startsWith('fe80:')
  const inside = addresses.filter(({ address }) => isGiven(address))
  const guest = {
    netns: place.netns,
    name: place.device,
    ...(inside.length > 0 && { addresses: inside.map(formatPrefix) }),
    ...(gateways.some(isGiven) && { gateways: gateways.filter(isGiven).map(formatIp) }),
  }
  return { list: 'hostifs', item: { id, ...named(name), guest }, from }
}

function switchOf({ id, customer, vni, guests, uplink, neighbours }: SwitchPlan): HostDocument {
  const ports = guests.map(({ portId, place, name, vni: own, groups, interfaceId, ...guest }) => ({
    id: portId,
    ...(place !== undefined && named(name)),
    vni: own,
    addresses: addressesOf(guest),
    ...(groups.length > 0 && { groups: groups.map((group) => group.id) }),
    interface: interfaceId,
  }))
  const up = uplink && { id: uplink.portId, vni: uplink.vni, uplink: true, interface: uplink.ethlinkId }
  return {
    id,
    ...named(customer),
    vni,
    ports: [...ports, ...(up ? [up] : [])],
    neighbours: neighbours.map(({ vni: own, address, mac }) => ({ vni: own, address: formatIp(address), mac: formatMac(mac) })),
  }
}

/** The router leads outside by a route of its own. */
const routerOf = ({ routerId: id, customer, nat }: SwitchPlan): Made[] =>
  id === undefined
    ? []
    : [{ list: 'routers', item: { id, ...named(customer), ...(nat && { routes: ['0.0.0.0/0 igw'] }) }, from: `customers.${customer}` }]

const subnetsOf = ({ id: switchId, routerId, subnets }: SwitchPlan): Made[] =>
  subnets.map(({ id, name, vni, networks, gateways, dhcp }) => ({
    list: 'subnets',
    item: {
      id,
      switch: switchId,
      ...(routerId !== undefined && { router: routerId }),
      vni,
      ...Object.fromEntries(networks.map((network) => [isIpv4(network.address) ? 'prefix4' : 'prefix6', formatPrefix(network)])),
      ...Object.fromEntries(gateways.map((gateway) => [isIpv4(gateway) ? 'gateway4' : 'gateway6', formatIp(gateway)])),
      ...(dhcp && { dhcp }),
    },
    from: `customers.${name.replace('/', '.subnets.')}`,
  }))

function natOf({ nat, routerId, customer }: SwitchPlan): Made[] {
  if (nat === undefined) return []
  const { id, floats, shared, wire, via } = nat
  const way = wire === undefined ? { via: formatIp(via!) } : { ethlink: wire.ethlinkId, prefix4: wire.prefix, gateway4: wire.gateway }
  const pool = [...floats.map((float) => float.split(' ')[0]!), ...shared]
  const item = { id, router: routerId!, ...way, pool, ...(floats.length > 0 && { floats }), ...(shared.length > 0 && { shared }) }
  return [{ list: 'nats', item, from: `customers.${customer}.nat` }]
}

/** Members on this host are ports; those of others are addresses. */
const groupsOf = ({ id: switchId, groups, customer }: SwitchPlan, here: string): Made[] =>
  groups.map(({ id, name, rules, members }: GroupPlan) => {
    const elsewhere = members.filter(({ host }) => host !== here).map(({ address }) => formatIp(address))
    const item = { id, name, switch: switchId, ...(elsewhere.length > 0 && { members: elsewhere }), rules }
    return { list: 'groups', item, from: `customers.${customer}.groups.${name}` }
  })
