/**
 * The document of a host in sections that are compiled one by one: vpcs that peerings join are one section, and a
 * change makes those sections anew that it touches. Together they are what `compile` makes of all items, without the
 * lines of stations.
 */
import type { Id } from '#abi/id.ts'
import { itemKey, type FeedItem, type FeedKind } from '#feed/item.ts'
import { compile } from './compile.ts'
import type { Compiled, HostFacts } from './draft.ts'
import { vpcOf, type ItemOf, type Items, type ItemStore } from './items.ts'

/** Kinds of which a section sees those of its vpcs alone, by `of`. */
const kindsOfVpcs: ReadonlySet<FeedKind> = new Set(['vpc', 'subnet', 'vnic', 'station', 'route-table', 'nat'])
/** Kinds that a section sees by `get` alone, those that it names: a change touches the sections that asked for it. */
const named: ReadonlySet<FeedKind> = new Set(['group', 'prefix-list'])
/** A change of these touches the sections of their vpcs alone. Others may be named in any. */
const local: ReadonlySet<FeedKind> = new Set(['vnic', 'station', 'nat'])

/** The key of the section that has what is of no vpc: there is always one. */
const noVpc = ''

/** What a section is made from. */
class SectionItems implements Items {
  readonly #items: ItemStore
  readonly #vpcs: readonly string[]
  /** Keys of named items that it asked for, there or not. */
  readonly asked = new Set<string>()

  constructor(items: ItemStore, vpcs: readonly string[]) {
    this.#items = items
    this.#vpcs = vpcs
  }

  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined {
    if (named.has(kind)) this.asked.add(itemKey({ kind, id }))
    return this.#items.get(kind, id)
  }

  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>> {
    return kindsOfVpcs.has(kind) ? this.#each(kind) : this.#items.of(kind)
  }

  *#each<K extends FeedKind>(kind: K): Generator<ItemOf<K>> {
    for (const vpc of this.#vpcs) yield* this.#items.inVpc(vpc, kind)
  }
}

/** What the host has said of itself while sections were compiled: with other answers they are others. */
class Answers {
  readonly #interfaces = new Map<string, string | undefined>()
  readonly #ethlinks = new Map<string, Id | undefined>()
  #vpcd: HostFacts['vpcd']

  /** The facts; their answers are kept. */
  of = (facts: HostFacts): HostFacts => ({
    interfaceOf: (address) => kept(this.#interfaces, address, facts.interfaceOf(address)),
    foreignEthlink: (name) => kept(this.#ethlinks, name, facts.foreignEthlink(name)),
    vpcd: (this.#vpcd = facts.vpcd),
  })

  areOther(facts: HostFacts): boolean {
    if (facts.vpcd !== this.#vpcd) return true
    for (const [address, was] of this.#interfaces) if (facts.interfaceOf(address) !== was) return true
    for (const [name, was] of this.#ethlinks) if (facts.foreignEthlink(name) !== was) return true
    return false
  }

  forget(): void {
    this.#interfaces.clear()
    this.#ethlinks.clear()
  }
}

function kept<V>(map: Map<string, V>, key: string, value: V): V {
  map.set(key, value)
  return value
}

/** Hosts with stations, by subnet, with how many they have. */
type Hosts = Map<string, Map<string, number>>

export class Sections {
  readonly #items: ItemStore
  readonly #made = new Map<string, Compiled>()
  /** Vpcs of each section. */
  #vpcsOf = new Map<string, string[]>()
  #sectionOf = new Map<string, string>()
  readonly #dirty = new Set<string>()
  /** Keys of named items that each section asked for. */
  readonly #asked = new Map<string, ReadonlySet<string>>()
  readonly #changed = new Set<string>()
  #all = true
  readonly #answers = new Answers()
  readonly #hosts: Hosts = new Map()
  /** How many sections were compiled: for those who measure. */
  compiled = 0

  constructor(items: ItemStore) {
    this.#items = items
  }

  /** Note that an item comes in the place of another, or goes. Call it before the store changes. */
  touch(before: FeedItem | undefined, after: FeedItem | undefined): void {
    const isNews = this.#count(before, -1, this.#count(after, 1, false))
    for (const item of [before, after]) {
      if (item === undefined) continue
      if (named.has(item.kind)) this.#changed.add(itemKey(item))
      else if (!local.has(item.kind)) this.#all = true
      else if (item.kind !== 'station' || isNews || !isAlike(before, after) || this.#items.get('vnic', item.id) !== undefined)
        this.#dirty.add(vpcOf(item)!)
    }
  }

  /** Make all anew with the next update. */
  doubt(): void {
    this.#all = true
  }

  /**
   * Compile what is touched, and what had problems, which may be over. Gives the keys of the sections that are new or
   * gone; `isWhole`: all are.
   */
  update(facts: HostFacts): { readonly changed: ReadonlySet<string>; readonly isWhole: boolean } {
    const changed = new Set<string>()
    // A vpc that nobody knew yet is in no section.
    const isNew = [...this.#dirty].some((vpc) => !this.#sectionOf.has(vpc))
    const isWhole = this.#all || isNew || this.#answers.areOther(facts)
    for (const [key, { problems }] of this.#made) if (problems.length > 0) changed.add(key)
    if (isWhole) {
      for (const key of this.#made.keys()) changed.add(key)
      this.#made.clear()
      this.#asked.clear()
      this.#answers.forget()
      this.#arrange()
      for (const key of this.#vpcsOf.keys()) changed.add(key)
    } else for (const vpc of this.#dirty) changed.add(this.#sectionOf.get(vpc)!)
    if (this.#changed.size > 0) for (const [key, asked] of this.#asked) if (!asked.isDisjointFrom(this.#changed)) changed.add(key)
    const asked = this.#answers.of(facts)
    for (const key of changed) this.#make(key, asked)
    this.#dirty.clear()
    this.#changed.clear()
    this.#all = false
    return { changed, isWhole }
  }

  #make(key: string, facts: HostFacts): void {
    const vpcs = this.#vpcsOf.get(key)
    if (vpcs === undefined) return
    this.compiled++
    const items = new SectionItems(this.#items, vpcs)
    this.#made.set(key, compile(items, facts, { stations: false }))
    this.#asked.set(key, items.asked)
  }

  /** The sections, by key. */
  get made(): ReadonlyMap<string, Compiled> {
    return this.#made
  }

  /** Vpcs that peerings join are one section. Also counts the hosts of stations anew. */
  #arrange(): void {
    this.#hosts.clear()
    for (const station of this.#items.of('station')) this.#count(station, 1, false)
    const joined = new Map<string, string[]>()
    for (const { vpcs } of this.#items.of('peering'))
      for (const [one, other] of [vpcs, vpcs.toReversed()] as [string, string][]) joined.set(one, [...(joined.get(one) ?? []), other])
    this.#vpcsOf = new Map([[noVpc, []]])
    this.#sectionOf = new Map()
    for (const first of this.#items.vpcs()) {
      if (this.#sectionOf.has(first)) continue
      const vpcs = [first]
      this.#sectionOf.set(first, first)
      for (const vpc of vpcs)
        for (const other of joined.get(vpc) ?? []) {
          if (this.#sectionOf.has(other)) continue
          this.#sectionOf.set(other, first)
          vpcs.push(other)
        }
      this.#vpcsOf.set(first, vpcs)
    }
  }

  /** Count the hosts of stations. Gives true when a host has its first or lost its last in a subnet. */
  #count(item: FeedItem | undefined, by: 1 | -1, isNews: boolean): boolean {
    if (item?.kind !== 'station') return isNews
    const counts = this.#hosts.get(item.subnet) ?? new Map<string, number>()
    const before = counts.get(item.host) ?? 0
    if (before + by === 0) counts.delete(item.host)
    else counts.set(item.host, before + by)
    if (counts.size === 0) this.#hosts.delete(item.subnet)
    else this.#hosts.set(item.subnet, counts)
    return isNews || before === 0 || before + by === 0
  }
}

/** Whether two stations are the same but for what their own lines say. Groups have members, and subnets names. */
function isAlike(before: FeedItem | undefined, after: FeedItem | undefined): boolean {
  const membership = (item: FeedItem | undefined): string =>
    item?.kind !== 'station' || (item.groups.length === 0 && item.hostname === null)
      ? ''
      : JSON.stringify([item.vpc, item.subnet, item.groups, item.addresses, item.hostname])
  return membership(before) === membership(after)
}

/** Problems of sections: of an item that several speak of, the first one counts. */
export function problemsOf(sections: Iterable<Compiled>): Compiled['problems'] {
  const found = new Map<string, Compiled['problems'][number]>()
  for (const { problems } of sections)
    for (const problem of problems) if (!found.has(itemKey(problem.item))) found.set(itemKey(problem.item), problem)
  return [...found.values()]
}
