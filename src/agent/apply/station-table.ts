/**
 * The lines of all stations, kept from one run to the next: a host knows many thousands of stations, of which few
 * change at a time.
 */
import type { HostDocument } from '#abi/host-file.ts'
import type { FeedItem } from '#feed/item.ts'
import type { HostFacts, Plain, Problem } from '../compile/draft.ts'
import type { Items } from '../compile/items.ts'
import {
  contextText,
  lineKey,
  lineOf,
  linesOf,
  stationContext,
  type Line,
  type LineChanges,
  type StationContext,
} from '../compile/stations.ts'

export class StationTable {
  readonly #byStation = new Map<string, readonly string[]>()
  readonly #wanted = new Map<string, { readonly line: Line; readonly station: string }>()
  readonly #problems = new Map<string, Problem>()
  /** What vpcd has. */
  #known = new Map<string, Line>()
  /** Keys in which the two may differ. */
  readonly #open = new Set<string>()
  #context: StationContext | undefined
  #contextText = ''
  /** Two stations have had a line with one key: from then on, all are made anew each time. */
  #twins = false

  /**
   * Follow the items. `parents`: switches and muxes that the document has; undefined: the same as before, and hosts and
   * subnets are the same, too. `touched`: ids of stations that may have changed.
   */
  update(items: Items, facts: HostFacts, parents: ReadonlySet<string> | undefined, touched: Iterable<string>): void {
    const known = parents === undefined ? this.#context : undefined
    const context = known ?? stationContext(items, facts, (parent) => parents!.has(parent))
    const text = known === undefined ? `${JSON.stringify([...parents!])} ${contextText(context)}` : this.#contextText
    this.#context = context
    if (text !== this.#contextText || this.#twins) {
      this.#contextText = text
      this.#twins = false
      for (const id of this.#byStation.keys()) this.#drop(id)
      this.#problems.clear()
      for (const { id } of items.of('station')) this.#take(items, id, context)
      return
    }
    const ids = [...touched]
    for (const id of ids) this.#drop(id)
    for (const id of ids) this.#take(items, id, context)
  }

  #drop(station: string): void {
    this.#problems.delete(station)
    for (const key of this.#byStation.get(station) ?? []) {
      if (this.#wanted.get(key)?.station !== station) continue
      this.#wanted.delete(key)
      this.#open.add(key)
    }
    this.#byStation.delete(station)
  }

  #take(items: Items, id: string, context: StationContext): void {
    const station = items.get('station', id)
    if (station === undefined) return
    const lines = linesOf(station, context)
    if ('code' in lines) return void this.#problems.set(id, lines)
    const keys = lines.map((line) => {
      const key = lineKey(line)
      this.#twins ||= this.#wanted.has(key)
      this.#wanted.set(key, { line, station: id })
      this.#open.add(key)
      return key
    })
    this.#byStation.set(id, keys)
  }

  /** Stations whose lines cannot be made. */
  get problems(): Iterable<Problem> {
    return this.#problems.values()
  }

  /** What differs from what vpcd has. */
  changes(): LineChanges {
    const set: Line[] = []
    const remove: Line[] = []
    for (const key of this.#open) {
      const [wanted, known] = [this.#wanted.get(key)?.line, this.#known.get(key)]
      if (wanted !== undefined && wanted.text !== known?.text) set.push(wanted)
      if (wanted === undefined && known !== undefined) remove.push(known)
    }
    return { set, remove, wants: (key) => this.#wanted.has(key) }
  }

  /** vpcd has the lines that it shall have. What shall go, it has still, unless `removed`. */
  done({ removed }: { readonly removed: boolean }): void {
    for (const key of this.#open) {
      const wanted = this.#wanted.get(key)
      if (wanted !== undefined) this.#known.set(key, wanted.line)
      else if (removed) this.#known.delete(key)
    }
    this.#open.clear()
  }

  /** Nothing is known about what vpcd has. */
  forget(): void {
    this.#known = new Map()
    for (const key of this.#wanted.keys()) this.#open.add(key)
  }

  /** The station that an entry or neighbour of a document is of: number `index` of the list at a path. */
  stationAt(items: Items, document: HostDocument, path: string, index: number): FeedItem | undefined {
    const [, objects = '', number = '', list = ''] = /^(\w+)\[(\d+)\]\.(\w+)$/.exec(path) ?? []
    const object = (document[objects] as readonly Plain[] | undefined)?.[Number(number)]
    const line = (object?.[list] as readonly Plain[] | undefined)?.[index]
    if (object === undefined || line === undefined) return undefined
    const key = lineKey(lineOf(list as Line['list'], String(object['id']), line))
    const station = this.#wanted.get(key)?.station
    return station === undefined ? undefined : items.get('station', station)
  }
}
