/**
 * What a transaction has touched: keys of the datapath's tables whose values must be computed anew, and objects to
 * write to the journal.
 */
import { endKind } from '#datapath/layout.ts'
import type { Endpoint } from '#wire/endpoint.ts'
import { toMapped, type Ip } from '#wire/ip-address.ts'
import { addressKey } from './keys.ts'
import type { VpcObject } from './model.ts'

/** Keys under a segment or a source. */
export class KeySet<K> {
  readonly groups = new Map<number, Set<K>>()

  add(group: number, key: K): void {
    let keys = this.groups.get(group)
    if (keys === undefined) this.groups.set(group, (keys = new Set()))
    keys.add(key)
  }
}

/** Keys of table `fdb`: MACs as numbers, by segment. */
export class FdbKeys extends KeySet<number> {
  /**
   * MACs that one operation has touched, perhaps 100 000. The operation has each of them once, so nobody needs to look
   * for duplicates.
   */
  readonly lists: { readonly segment: number; readonly macs: readonly number[] }[] = []

  /** Mark all MACs that the list will have when the transaction ends. */
  addList(segment: number, macs: readonly number[]): void {
    this.lists.push({ segment, macs })
  }
}

/** A VTEP that a VNI may have by a mux: `stats` is the mux's. */
export interface VtepPlace {
  readonly stats: number
  readonly segment: number
  readonly address: string
}

/** Keys of table `vteps`. */
export class VtepKeys {
  readonly #segments = new Map<number, Map<string, VtepPlace>>()

  add(stats: number, segment: number, vtep: Ip): void {
    this.addKey({ stats, segment, address: addressKey(toMapped(vtep)) })
  }

  addKey(place: VtepPlace): void {
    let places = this.#segments.get(place.segment)
    if (places === undefined) this.#segments.set(place.segment, (places = new Map()))
    places.set(`${place.stats} ${place.address}`, place)
  }

  /** Those of a segment. */
  of(segment: number): Iterable<VtepPlace> {
    return this.#segments.get(segment)?.values() ?? []
  }

  *[Symbol.iterator](): Generator<VtepPlace> {
    for (const places of this.#segments.values()) yield* places.values()
  }
}

/** A key of table `tunnel_ends`. */
export interface EndPlace {
  readonly kind: number
  readonly port: number
  readonly address: string
}

/** Keys of table `tunnel_ends`. */
export class EndKeys {
  readonly #places = new Map<string, EndPlace>()

  /** A VTEP's address, and the port that it listens on. */
  add(vtep: Ip, port: number): void {
    const address = addressKey(toMapped(vtep))
    for (const place of [
      { kind: endKind.port, port, address },
      { kind: endKind.address, port: 0, address },
    ])
      this.#places.set(`${place.kind} ${place.port} ${address}`, place)
  }

  /** Where a mux listens. */
  addOwn({ address: own, port }: Endpoint): void {
    this.add(own, port)
    const address = addressKey(toMapped(own))
    this.#places.set(`${endKind.own} 0 ${address}`, { kind: endKind.own, port: 0, address })
  }

  [Symbol.iterator](): IterableIterator<EndPlace> {
    return this.#places.values()
  }
}

/** A key of table `routes`. */
export interface RoutePlace {
  readonly length: number
  readonly table: number
  readonly address: string
}

export class Dirty {
  /** Table `ports`: ifindexes. */
  readonly ports = new Set<number>()
  /** Table `fdb`. */
  readonly fdb = new FdbKeys()
  /** Table `vteps`. */
  readonly vteps = new VtepKeys()
  /** Table `tunnel_ends`. */
  readonly tunnelEnds = new EndKeys()
  /** Table `flood`: segments. */
  readonly flood = new Set<number>()
  /** Table `neighbours`: addresses as keys, by segment. */
  readonly neighbours = new KeySet<string>()
  /** Table `port_addresses`: addresses as keys, by source. */
  readonly portAddresses = new KeySet<string>()
  /** Table `port_limits`: sources. */
  readonly portLimits = new Set<number>()
  /** Tables `subnets` and `ra_replies`: segments. */
  readonly subnets = new Set<number>()
  /** Table `routes`, by what tells keys apart. */
  readonly routes = new Map<string, RoutePlace>()
  /** Table `hosts`: addresses as keys, by VPC. */
  readonly hosts = new KeySet<string>()
  /** Table `nats`: sources. */
  readonly nats = new Set<number>()
  /** Table `public_addresses`: addresses as keys, by wire. */
  readonly publicAddresses = new KeySet<string>()
  /** Table `floats`: addresses as keys, by VPC. */
  readonly floats = new KeySet<string>()
  /** Tables `dhcp_replies`, `dhcpv6_replies` and `service_ports`, and what services know of guests: sources. */
  readonly guests = new Set<number>()
  /** Switches whose names in DNS may differ, by unit. */
  readonly zones = new Set<number>()
  /** Table `segments`. */
  readonly segments = new Set<number>()
  /** Table `muxes`: ifindexes. */
  readonly muxes = new Set<number>()
  /** Tables of the policies: rules, or what ports have of them, may differ. */
  policies = false
  /** Table `members`: addresses as keys, by vpc. */
  readonly members = new KeySet<string>()
  /** Objects whose row in the journal may differ. */
  readonly records = new Set<VpcObject>()
  /** Muxes and switches whose entries or neighbours differ. */
  readonly lists = new Set<VpcObject>()

  /** All objects that differ. */
  touched(): Set<VpcObject> {
    return this.records.union(this.lists)
  }
}
