/**
 * A host document in the making. Each object knows the item that it stands for, so that an error of vpcd about a place
 * in the document is an error of an item.
 */
import { hostFileVersion, type HostDocument } from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import { itemKey, type FeedItem } from '#feed/item.ts'
import { fit, type About } from './fit.ts'
import { ethlinkId } from './ids.ts'

/** An object, an entry or a neighbour by the words of docs/host-file.md. A later part may add to it. */
export type Plain = Record<string, unknown>

/** Lists of the document that parts add objects to. Ports are added to their switch. */
export type ListName = 'ethlinks' | 'muxes' | 'vmnics' | 'hostifs' | 'switches' | 'routers' | 'subnets' | 'sets' | 'groups' | 'nats'

/** What stands against an item. */
export interface Problem {
  readonly item: FeedItem
  /** A code of ItemError in src/feed/message.ts. */
  readonly code: string
  readonly text: string
}

/** The document, and what the parts could not put into it. */
export interface Compiled {
  readonly document: HostDocument
  readonly problems: readonly Problem[]
  /**
   * The item that a place of a document stands for, such as `switches[0].ports[1].vni`; undefined: none. The document
   * is this one, or has some of its objects.
   */
  itemAt(document: HostDocument, path: string): FeedItem | undefined
  /** The item that one object of the document stands for, or a copy of that object. */
  originOf(object: object): FeedItem | undefined
}

/** What a part knows about the host besides the items. */
export interface HostFacts {
  /** The interface that has an address; undefined: none has it. */
  interfaceOf(address: string): string | undefined
  /** Id of an ethlink that somebody else keeps for an interface; undefined: there is none. */
  foreignEthlink(name: string): Id | undefined
  /** The vpcd that the document is for; undefined: one that knows all that this agent does. */
  readonly vpcd?: About | undefined
}

export class Draft {
  readonly #lists = new Map<ListName, Plain[]>()
  readonly #byId = new Map<string, Plain>()
  readonly #origins = new WeakMap<object, FeedItem>()
  readonly #problems: Problem[] = []
  readonly #said = new Set<string>()
  readonly #facts: HostFacts

  constructor(facts: HostFacts) {
    this.#facts = facts
  }

  /** Add an object that stands for an item. Gives it back; further keys may be set. */
  add(list: ListName, item: FeedItem, object: Plain & { readonly id: Id }): Plain {
    this.#keep(item, object)
    append(this.#lists, list, object)
    return object
  }

  /** Add to a list of an object: `ports` and `neighbours` of a switch, `entries` of a mux. False: no such object. */
  addTo(owner: Id, list: 'ports' | 'neighbours' | 'entries', item: FeedItem, value: Plain): boolean {
    const object = this.#byId.get(owner)
    if (object === undefined) return false
    this.#keep(item, value)
    const values = object[list] as Plain[] | undefined
    if (values === undefined) object[list] = [value]
    else values.push(value)
    return true
  }

  /** An object of the document by its id, to read it or to add to it; ports, too. */
  object(id: Id): Plain | undefined {
    return this.#byId.get(id)
  }

  /** The objects of a list. */
  list(list: ListName): readonly Plain[] {
    return this.#lists.get(list) ?? []
  }

  /** The id of the ethlink for an interface, which is added when nobody else has one. */
  ethlink(host: string, name: string, item: FeedItem): Id {
    const foreign = this.#facts.foreignEthlink(name)
    if (foreign !== undefined) return foreign
    const id = ethlinkId(host, name)
    if (!this.#byId.has(id)) this.add('ethlinks', item, { id, 'l2-name': name })
    return id
  }

  /** Say what stands against an item. Only the first problem of an item counts. */
  refuse(item: FeedItem, code: string, text: string): void {
    const key = itemKey(item)
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#problems.push({ item, code, text })
  }

  /** The document, when all parts have run. */
  finish(owner: string): Compiled {
    if (this.#facts.vpcd !== undefined) this.#fit(this.#facts.vpcd)
    const document = { version: hostFileVersion, owner, ...Object.fromEntries(this.#lists) }
    const originOf = (object: object): FeedItem | undefined => this.#originOf(object)
    return { document, problems: this.#problems, originOf, itemAt: (where, path) => itemAt(where, path, originOf) }
  }

  #fit(vpcd: About): void {
    const fitting = (list: string, objects: readonly Plain[]): Plain[] =>
      objects.filter((object) =>
        fit(vpcd, list, object, (text) => {
          const item = this.#originOf(object)
          if (item !== undefined) this.refuse(item, 'too-old', text)
        }),
      )
    for (const sw of this.list('switches')) if (sw['ports'] !== undefined) sw['ports'] = fitting('ports', sw['ports'] as Plain[])
    for (const [list, objects] of this.#lists) this.#lists.set(list, fitting(list, objects))
  }

  #keep(item: FeedItem, object: Plain): void {
    this.#origins.set(object, item)
    const { id } = object
    if (typeof id === 'string') this.#byId.set(id, object)
  }

  /** By identity, or by the id of what may be a copy. */
  #originOf(object: object): FeedItem | undefined {
    const { id } = object as Plain
    return this.#origins.get(object) ?? this.#origins.get(this.#byId.get(String(id)) ?? object)
  }
}

/** Follow the path; the last object on the way that stands for an item counts. */
export function itemAt(document: object, path: string, originOf: Compiled['originOf']): FeedItem | undefined {
  let at: unknown = document
  let found: FeedItem | undefined
  for (const step of path.split(/[.[\]]+/).filter((word) => word !== '')) {
    if (typeof at !== 'object' || at === null) break
    at = (at as Record<string, unknown>)[step]
    if (typeof at === 'object' && at !== null) found = originOf(at) ?? found
  }
  return found
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
