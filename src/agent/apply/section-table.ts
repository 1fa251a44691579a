/**
 * What the host shall have but for the lines of stations, section by section, and what of it vpcd has: so a change is
 * compared with what it touches, and not with all that the host has.
 */
import type { HostDocument } from '#abi/host-file.ts'
import type { FeedItem } from '#feed/item.ts'
import type { ItemStore } from '../compile/items.ts'
import type { Compiled, HostFacts, Problem } from '../compile/draft.ts'
import { itemAt } from '../compile/draft.ts'
import { problemsOf, Sections } from '../compile/sections.ts'
import { emptyHost, flatten, type Flat, type FlatObject, type Whole } from './difference.ts'
import type { Line } from '../compile/stations.ts'

export class SectionTable {
  readonly sections: Sections
  readonly #flat = new Map<string, Flat>()
  /** What vpcd has of each section, unless `#base` is all that it has. */
  readonly #known = new Map<string, Flat>()
  #base: Flat | undefined = emptyHost()
  readonly #parents = new Map<string, readonly string[]>()
  /** Sections in which the two may differ. */
  readonly #open = new Set<string>()

  constructor(items: ItemStore) {
    this.sections = new Sections(items)
  }

  /** Note that an item comes in the place of another, or goes. Call it before the store changes. */
  touch(before: FeedItem | undefined, after: FeedItem | undefined): void {
    this.sections.touch(before, after)
  }

  /** Follow the items. Gives true when all sections are new. */
  update(facts: HostFacts): boolean {
    const { changed, isWhole } = this.sections.update(facts)
    for (const key of changed) {
      const compiled = this.sections.made.get(key)
      const flat = compiled && flatten(compiled.document)
      if (flat === undefined) this.#flat.delete(key)
      else this.#flat.set(key, flat)
      this.#parents.set(key, flat === undefined ? [] : parentsIn(flat))
      this.#open.add(key)
    }
    return isWhole
  }

  /** Switches and muxes. */
  get parents(): ReadonlySet<string> {
    return new Set([...this.#parents.values()].flat())
  }

  /** What may differ, as vpcd has it and as it shall have it. */
  changes(): { readonly before: Flat; readonly after: Flat } {
    if (this.#base !== undefined) return { before: this.#base, after: union([...this.#flat.values()]) }
    return { before: this.#opened(this.#known), after: this.#opened(this.#flat) }
  }

  #opened = (of: ReadonlyMap<string, Flat>): Flat => union([...this.#open].flatMap((key) => of.get(key) ?? []))

  /** All that vpcd has. */
  get known(): Flat {
    return this.#base ?? union([...this.#known.values()])
  }

  /** All sections together. */
  get whole(): Whole {
    const flats = [...this.#flat.values()]
    return {
      objects: {
        get: (id) => flats.find(({ objects }) => objects.has(id))?.objects.get(id),
        has: (id) => flats.some(({ objects }) => objects.has(id)),
      },
      lines: { has: (key) => flats.some(({ lines }) => lines.has(key)) },
    }
  }

  /** vpcd has the sections as they are. */
  done(): void {
    const all = this.#base === undefined ? this.#open : this.#flat.keys()
    for (const key of all) {
      const flat = this.#flat.get(key)
      if (flat === undefined) this.#known.delete(key)
      else this.#known.set(key, flat)
    }
    this.#base = undefined
    this.#open.clear()
  }

  /** vpcd has something else. What is here is made anew. */
  vpcdHas(flat: Flat): void {
    this.#base = flat
    this.#known.clear()
    this.#open.clear()
    this.sections.doubt()
  }

  /** What could not be made. */
  get problems(): readonly Problem[] {
    return problemsOf(this.sections.made.values())
  }

  /** The item that a place of a document stands for. */
  itemAt(document: HostDocument, path: string): FeedItem | undefined {
    const made: readonly Compiled[] = [...this.sections.made.values()]
    const originOf = (object: object): FeedItem | undefined => {
      for (const each of made) {
        const item = each.originOf(object)
        if (item !== undefined) return item
      }
      return undefined
    }
    return itemAt(document, path, originOf)
  }
}

/** Objects that stations add lines to. */
export const parentsIn = ({ objects }: Flat): string[] =>
  [...objects].filter(([, { list }]) => list === 'switches' || list === 'muxes').map(([id]) => id)

function union(flats: readonly Flat[]): Flat {
  if (flats.length === 1) return flats[0]!
  const objects = new Map<string, FlatObject>()
  const lines = new Map<string, Line>()
  for (const flat of flats) {
    for (const [id, object] of flat.objects) objects.set(id, object)
    for (const [key, line] of flat.lines) lines.set(key, line)
  }
  return { objects, lines }
}
