/** The items that the feed has told this host, by kind and id. */
import type { FeedItem, FeedKind } from '#feed/item.ts'

/** The item of a kind. */
export type ItemOf<K extends FeedKind> = Extract<FeedItem, { readonly kind: K }>

/** What the parts read. */
export interface Items {
  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined
  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>>
}

type ByKind = Map<FeedKind, Map<string, FeedItem>>

/** The vpc that an item is in; undefined: it is of none, or of several. */
export const vpcOf = (item: FeedItem): string | undefined => (item.kind === 'vpc' ? item.id : 'vpc' in item ? item.vpc : undefined)

function add(byKind: ByKind, item: FeedItem): void {
  const known = byKind.get(item.kind)
  if (known === undefined) byKind.set(item.kind, new Map([[item.id, item]]))
  else known.set(item.id, item)
}

/** Items in memory. */
export class ItemStore implements Items {
  readonly #byKind: ByKind = new Map()
  readonly #byVpc = new Map<string, ByKind>()

  /** Put an item in the place of the one before it. */
  put(item: FeedItem): void {
    const [before, vpc] = [this.get(item.kind, item.id), vpcOf(item)]
    if (before !== undefined && vpcOf(before) !== vpc) this.delete(item.kind, item.id)
    add(this.#byKind, item)
    if (vpc === undefined) return
    const inVpc = this.#byVpc.get(vpc) ?? new Map()
    add(inVpc, item)
    this.#byVpc.set(vpc, inVpc)
  }

  /** Forget an item; false when it is not there. */
  delete(kind: FeedKind, id: string): boolean {
    const item = this.get(kind, id)
    if (item === undefined) return false
    this.#byKind.get(kind)!.delete(id)
    const vpc = vpcOf(item)
    const inVpc = vpc === undefined ? undefined : this.#byVpc.get(vpc)
    inVpc?.get(kind)!.delete(id)
    if (inVpc?.get(kind)!.size === 0) inVpc.delete(kind)
    if (inVpc?.size === 0) this.#byVpc.delete(vpc!)
    return true
  }

  /** Vpcs that items are in, told or not. */
  vpcs = (): Iterable<string> => this.#byVpc.keys()

  /** Items of a kind in one vpc. */
  inVpc<K extends FeedKind>(vpc: string, kind: K): Iterable<ItemOf<K>> {
    return (this.#byVpc.get(vpc)?.get(kind)?.values() ?? []) as Iterable<ItemOf<K>>
  }

  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined {
    return this.#byKind.get(kind)?.get(id) as ItemOf<K> | undefined
  }

  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>> {
    return (this.#byKind.get(kind)?.values() ?? []) as Iterable<ItemOf<K>>
  }

  /** How many there are. */
  get size(): number {
    return [...this.#byKind.values()].reduce((sum, { size }) => sum + size, 0)
  }

  *[Symbol.iterator](): Generator<FeedItem> {
    for (const items of this.#byKind.values()) yield* items.values()
  }
}
