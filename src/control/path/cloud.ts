/** What is asked on the way of a packet: stations by address, routers, public addresses. All of one moment. */
import { natId, natItem, wireOf } from '../feed/items/nat.ts'
import { childrenOf, peersOf, type View } from '../feed/view.ts'
import { addressKey, publicKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'
import type { ObjectRecord } from '../model/record.ts'
import { has, ipOf } from './networks.ts'

export interface SubnetSpec {
  readonly vpc: string
  readonly network4?: string
  readonly network6?: string
  readonly gateway4?: string
  readonly gateway6?: string
  readonly routeTable?: string
}

export interface VnicSpec {
  readonly account: string
  readonly subnet: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly groups: readonly string[]
  readonly mtu?: number
}

export const vnicSpec = ({ spec }: ObjectRecord): VnicSpec => spec as unknown as VnicSpec
export const subnetSpec = ({ spec }: ObjectRecord): SubnetSpec => spec as unknown as SubnetSpec
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** The network of a subnet that has an address. */
export const networkWith = (subnet: ObjectRecord, address: string): string | undefined => {
  const { network4, network6 } = subnetSpec(subnet)
  return [network4, network6].find((network) => network !== undefined && has(network, address))
}

/** Whether an address is a gateway of a subnet. */
export const isGateway = (subnet: ObjectRecord, address: string): boolean =>
  subnetSpec(subnet).gateway4 === address || subnetSpec(subnet).gateway6 === address

/** Where the public addresses of a pool are: a host, and its interface. */
export interface Wire {
  readonly host: string
  readonly interface: string
}

/** A public address, and where it is. */
export interface PublicAddress {
  readonly address: string
  readonly wire: Wire
}

/** A vpc's public addresses of one pool, and where they are. */
export interface Publics {
  readonly pool: string
  readonly shared: readonly string[]
  readonly floats: readonly { readonly address: string; readonly inside: string }[]
  readonly wire: Wire
}

export const isSameWire = (a: Wire, b: Wire): boolean => a.host === b.host && a.interface === b.interface

/** The address inside that a floating one stands for. */
export function insideOfFloat(floating: ObjectRecord, vnic: ObjectRecord): string | undefined {
  const { ip } = floating.spec.target as { readonly ip?: string }
  return ip ?? vnicSpec(vnic).addresses.find((each) => familyOf(each) === 4)
}

export class Cloud {
  readonly view: View
  readonly #mirror: Mirror
  /** What was asked before: all is of one moment. */
  readonly #known = new Map<string, unknown>()

  constructor(view: View, mirror: Mirror) {
    this.view = view
    this.#mirror = mirror
  }

  /** What `make` gave the first time. */
  once<T>(key: string, make: () => T): T {
    if (!this.#known.has(key)) this.#known.set(key, make())
    return this.#known.get(key) as T
  }

  get = (kind: string, id: string): ObjectRecord | undefined => this.view.objects.get(kind, id)?.record
  /** Something that another thing refers to, so it is there. */
  must = (kind: string, id: string): ObjectRecord => this.get(kind, id)!

  /** The vnic of a vpc that has an address, plugged in or not. */
  station(vpc: string, address: string): ObjectRecord | undefined {
    return this.once(`station ${vpc} ${address}`, () => {
      const held = this.#mirror.claim(addressKey(vpc, ipOf(address)))?.value
      return held?.kind === 'vnic' && held.id !== undefined ? this.get('vnic', held.id) : undefined
    })
  }

  /** The pool that an address is of. */
  poolWith(address: string): ObjectRecord | undefined {
    const pools = this.once('pools', () => [...this.view.objects.ids('pool')].map((id) => this.must('pool', id)))
    return pools.find(({ spec }) => has(spec.prefix as string, address))
  }

  /** The floating address, or the NAT, that has a public address. */
  publicHolder(address: string): ObjectRecord | undefined {
    const pool = this.poolWith(address)
    const held = pool && this.#mirror.claim(publicKey(pool.id, ipOf(address)))?.value
    return held?.kind === undefined || held.id === undefined ? undefined : this.get(held.kind, held.id)
  }

  /** The router in effect: of several, the one that was made first. */
  router = (vpc: string): ObjectRecord | undefined =>
    this.once(`router ${vpc}`, () => childrenOf(this.view, 'router', 'vpc', vpc).find(({ spec }) => spec.enabled === true))

  /** The subnets that a router joins. */
  joined = (router: ObjectRecord): ObjectRecord[] =>
    (router.spec.interfaces as readonly { readonly subnet: string }[]).flatMap(({ subnet }) => this.get('subnet', subnet) ?? [])

  /** Vpcs that agreed peerings join to one. */
  peers = (vpc: string): readonly { readonly peering: string; readonly vpc: string }[] => peersOf(this.view, vpc)

  /** Where the addresses of a pool are. */
  wireOf(pool: string): Wire | undefined {
    const found = wireOf(this.view, pool)
    return found === undefined ? undefined : { host: found.host, interface: found.wire.interface }
  }

  /** Public addresses of a vpc, where a host has their wire. */
  publics(vpc: string): readonly Publics[] {
    return this.once(`publics ${vpc}`, () =>
      this.view.publics.poolsOf(vpc).flatMap((pool) => {
        const item = natItem(this.view, '', natId(vpc, pool))
        return item === undefined ? [] : [{ pool, shared: item.shared, floats: item.floats, wire: this.wireOf(pool)! }]
      }),
    )
  }

  /** The floating address that stands for an address inside, if its subnet is joined by the router. */
  floatOf(vpc: string, inside: string): PublicAddress | undefined {
    const router = this.router(vpc)
    if (router === undefined) return undefined
    const subnets = this.joined(router)
    const isStation = subnets.some((subnet) => networkWith(subnet, inside) !== undefined && !isGateway(subnet, inside))
    for (const { floats, wire } of isStation ? this.publics(vpc) : []) {
      const found = floats.find((each) => each.inside === inside && !subnets.some((subnet) => networkWith(subnet, each.address)))
      if (found !== undefined) return { address: found.address, wire }
    }
    return undefined
  }

  /** Floating addresses that stand for an address of a vnic; the one in effect is the first. */
  floatsOf(vnic: ObjectRecord, inside: string): ObjectRecord[] {
    const inEffect = this.floatOf(vnic.vpc!, inside)?.address
    return this.view.objects
      .usersOf(vnic.id, 'floating-ip')
      .map(({ record }) => record)
      .filter((record) => record.spec.target !== undefined && insideOfFloat(record, vnic) === inside)
      .sort((a, b) => Number(b.spec.ip === inEffect) - Number(a.spec.ip === inEffect) || (a.id < b.id ? -1 : 1))
  }
}

/** Whether an address is a public one that the host of a wire answers for. */
export function isPublicAt(cloud: Cloud, address: string, wire: Wire): boolean {
  const holder = familyOf(address) === 4 ? cloud.publicHolder(address) : undefined
  const own = holder === undefined ? undefined : cloud.wireOf(holder.spec.pool as string)
  if (holder === undefined || own === undefined || !isSameWire(own, wire)) return false
  if (holder.kind === 'nat') return cloud.router(holder.vpc!) !== undefined
  const target = holder.spec.target as { readonly vnic: string } | undefined
  const vnic = target === undefined ? undefined : cloud.get('vnic', target.vnic)
  const inside = vnic === undefined ? undefined : insideOfFloat(holder, vnic)
  return inside !== undefined && cloud.floatOf(vnic!.vpc!, inside)?.address === address
}
