/**
 * How packets get from one facility to another, and which VNI a subnet has where. Kept by the changes of the mirror.
 * Packets cross a transit with the VNI that they have, so a subnet needs one VNI in both facilities.
 */
import type { Known, ObjectChange } from './mirror.ts'
import type { ObjectRecord } from './record.ts'

interface TransitSpec {
  readonly from: string
  readonly to: string
  readonly mode: 'plain' | 'ipsec'
  readonly mtu?: number
}

interface PlacementSpec {
  readonly subnet: string
  readonly facility: string
  readonly vni: number
}

/** The way from a facility to another one. */
export interface Crossing {
  /** IPsec in one direction means both: each host would drop what the other sends. */
  readonly ipsec: boolean
  /** Largest packet of the underlay on the way; null: as the network says. */
  readonly mtu: number | null
  /** Ids of the transits, there and back. */
  readonly transits: readonly [string, string]
}

/** What a subnet is in a facility. */
export interface Place {
  readonly vni: number
  /** A joined facility has another VNI for it, or this VNI for another subnet: its packets do not go there. */
  readonly isApart: boolean
}

export class Transits {
  /** By facility, and the facility that it leads to. */
  readonly #from = new Map<string, Map<string, ObjectRecord>>()
  /** VNIs by subnet and facility. */
  readonly #places = new Map<string, Map<string, number>>()
  /** Subnets by facility and VNI. */
  readonly #subnets = new Map<string, Map<number, string>>()

  /** Look at everything anew. */
  load({ objects }: Pick<Known, 'objects'>): void {
    for (const map of [this.#from, this.#places, this.#subnets]) map.clear()
    for (const kind of ['transit', 'placement']) for (const id of objects.ids(kind)) this.#add(objects.get(kind, id)!.record)
  }

  /** Follow a change. */
  apply({ before, after }: ObjectChange): void {
    if (before !== undefined) this.#remove(before.record)
    if (after !== undefined) this.#add(after.record)
  }

  #add(record: ObjectRecord): void {
    if (record.kind === 'transit') {
      const { from, to } = record.spec as unknown as TransitSpec
      within(this.#from, from).set(to, record)
    }
    if (record.kind !== 'placement') return
    const { subnet, facility, vni } = record.spec as unknown as PlacementSpec
    within(this.#places, subnet).set(facility, vni)
    within(this.#subnets, facility).set(vni, subnet)
  }

  #remove({ kind, spec }: ObjectRecord): void {
    if (kind === 'transit') {
      const { from, to } = spec as unknown as TransitSpec
      without(this.#from, from, to)
    }
    if (kind !== 'placement') return
    const { subnet, facility, vni } = spec as unknown as PlacementSpec
    without(this.#places, subnet, facility)
    without(this.#subnets, facility, vni)
  }

  /** The transit from a facility to another one, whether or not there is one back. */
  between = (from: string, to: string): ObjectRecord | undefined => this.#from.get(from)?.get(to)

  /** How packets get from a facility to another one. Undefined: not at all, since a transit is missing. */
  crossing(from: string, to: string): Crossing | undefined {
    const [there, back] = [this.between(from, to), this.between(to, from)]
    if (there === undefined || back === undefined) return undefined
    const specs = [there, back].map(({ spec }) => spec as unknown as TransitSpec)
    return { ipsec: specs.some(({ mode }) => mode === 'ipsec'), mtu: specs[0]!.mtu ?? null, transits: [there.id, back.id] }
  }

  /** Facilities that packets of a facility get to. */
  near = (facility: string): string[] =>
    [...(this.#from.get(facility)?.keys() ?? [])].filter((other) => this.crossing(facility, other) !== undefined).sort()

  /**
   * What a subnet is in a facility. Where no vnic of it is, but in a facility that transits join to this one, it has
   * the VNI of that one, unless another subnet has that here or nearby. Undefined: packets of it do not come here.
   */
  placeOf(subnet: string, facility: string): Place | undefined {
    const places = this.#places.get(subnet)
    const near = this.near(facility)
    const others = near.flatMap((other) => places?.get(other) ?? [])
    const isTaken = (vni: number): boolean => [facility, ...near].some((other) => (this.#holder(other, vni) ?? subnet) !== subnet)
    const vni = places?.get(facility) ?? others.find((each) => !isTaken(each))
    return vni === undefined ? undefined : { vni, isApart: isTaken(vni) || others.some((each) => each !== vni) }
  }

  /** Whether vnics of a subnet have been in a facility: it has a VNI of its own there. */
  isPlaced = (subnet: string, facility: string): boolean => this.#places.get(subnet)?.has(facility) === true

  /** The subnet that has a VNI in a facility. */
  #holder = (facility: string, vni: number): string | undefined => this.#subnets.get(facility)?.get(vni)

  /** Subnets that have a VNI, wherever that is. */
  subnetsWith = (vni: number): string[] => [...this.#subnets.values()].flatMap((subnets) => subnets.get(vni) ?? [])
  /** Subnets with a VNI in a facility. */
  subnetsIn = (facility: string): Iterable<string> => this.#subnets.get(facility)?.values() ?? []
}

function within<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const inner = maps.get(key) ?? new Map<K, V>()
  maps.set(key, inner)
  return inner
}

function without<K, V>(maps: Map<string, Map<K, V>>, key: string, member: K): void {
  const inner = maps.get(key)
  inner?.delete(member)
  if (inner?.size === 0) maps.delete(key)
}
