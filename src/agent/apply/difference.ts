/** What differs between two documents of the agent, as a partial document (docs/agents.md). */
import { hostFileVersion, type HostDocument } from '#abi/host-file.ts'
import { owner } from '../compile/compile.ts'
import type { Plain } from '../compile/draft.ts'
import { lineKey, lineOf, type Line, type LineChanges } from '../compile/stations.ts'

/** A document as maps, to be compared with another. */
export interface Flat {
  readonly objects: ReadonlyMap<string, FlatObject>
  /** Entries of muxes and neighbours of switches. */
  readonly lines: ReadonlyMap<string, Line>
}

export interface FlatObject {
  readonly list: string
  /** The switch of a port. */
  readonly parent: string | null
  readonly object: Plain
  readonly text: string
}

const nothing: Flat = { objects: new Map(), lines: new Map() }

/** A host on which nothing is known to be. */
export const emptyHost = (): Flat => nothing

/** The document as maps. */
export function flatten(document: HostDocument): Flat {
  const objects = new Map<string, FlatObject>()
  const lines = new Map<string, Line>()
  for (const [list, values] of Object.entries(document)) {
    if (!Array.isArray(values)) continue
    for (const value of values as Plain[]) flattenObject({ objects, lines }, list, value)
  }
  return { objects, lines }
}

interface Flattening {
  readonly objects: Map<string, FlatObject>
  readonly lines: Map<string, Line>
}

function flattenObject({ objects, lines }: Flattening, list: string, value: Plain): void {
  const { ports = [], entries = [], neighbours = [], ...object } = value as Plain & Partial<Record<'ports' | Line['list'], Plain[]>>
  const id = String(value['id'])
  objects.set(id, { list, parent: null, object, text: JSON.stringify(object) })
  for (const port of ports) objects.set(String(port['id']), { list: 'ports', parent: id, object: port, text: JSON.stringify(port) })
  const all = [...entries.map((line) => lineOf('entries', id, line)), ...neighbours.map((line) => lineOf('neighbours', id, line))]
  for (const line of all) lines.set(lineKey(line), line)
}

/** What is the same in both documents, and what stations add. */
export interface Surroundings {
  /** Without it nothing goes: what `before` has may be all that is known. */
  readonly remove: boolean
  readonly stations: LineChanges
  /** What `after` has, and what is not compared because it is the same. */
  readonly all: Whole
}

/** A document, asked by key. */
export interface Whole {
  readonly objects: { get(id: string): FlatObject | undefined; has(id: string): boolean }
  readonly lines: { has(key: string): boolean }
}

/** The partial document that leads from one to the other; null when nothing differs. */
export function difference(before: Flat, after: Flat, { remove, stations, all }: Surroundings): HostDocument | null {
  const change = new Change(all)
  for (const [id, { text }] of after.objects) if (before.objects.get(id)?.text !== text) change.have(id)
  for (const [key, line] of after.lines) if (before.lines.get(key)?.text !== line.text) change.line(line.list, line)
  for (const line of stations.set) change.line(line.list, line)
  if (remove) {
    for (const id of before.objects.keys()) if (!all.objects.has(id)) change.remove.push(id)
    // A guest that moves here is not a station any more, and its address is still a neighbour.
    const gone = [...before.lines].filter(([key]) => !all.lines.has(key) && !stations.wants(key)).map(([, line]) => line)
    const left = stations.remove.filter((line) => !all.lines.has(lineKey(line)))
    for (const line of [...gone, ...left]) change.line(`remove-${line.list}`, line)
  }
  return change.document()
}

class Change {
  readonly remove: string[] = []
  readonly #after: Whole
  readonly #had = new Map<string, Plain>()
  readonly #lists = new Map<string, Plain[]>()

  constructor(after: Whole) {
    this.#after = after
  }

  /** Put an object into the document, and the switch of a port; undefined: the host shall not have it. */
  have(id: string): Plain | undefined {
    const known = this.#had.get(id)
    const found = this.#after.objects.get(id)
    if (known !== undefined || found === undefined) return known
    const object = { ...found.object }
    this.#had.set(id, object)
    if (found.parent === null) append(this.#lists, found.list, object)
    else appendTo(this.have(found.parent)!, 'ports', object)
    return object
  }

  /** Put an entry or a neighbour into a list of its mux or switch. With that object it goes by itself. */
  line(list: string, { parent, line }: Line): void {
    const object = this.have(parent)
    if (object !== undefined) appendTo(object, list, line)
  }

  document(): HostDocument | null {
    if (this.#lists.size === 0 && this.remove.length === 0) return null
    return { version: hostFileVersion, owner, partial: true, remove: this.remove, ...Object.fromEntries(this.#lists) }
  }
}

function appendTo(object: Plain, list: string, value: Plain): void {
  const values = object[list] as Plain[] | undefined
  if (values === undefined) object[list] = [value]
  else values.push(value)
}

function append(lists: Map<string, Plain[]>, key: string, value: Plain): void {
  const values = lists.get(key)
  if (values === undefined) lists.set(key, [value])
  else values.push(value)
}
