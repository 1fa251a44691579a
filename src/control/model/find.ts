/** Finds what a text names: an id, a name, or a path of names. What the caller may not read is never found. */
import { isId } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { parentKind } from '#resource/kinds.ts'
import { mayName, mayRead, type Caller } from './caller.ts'
import type { Objects } from './objects.ts'
import { textIn, type Stored } from './record.ts'

export type Found =
  | { readonly kind: 'one'; readonly stored: Stored }
  | { readonly kind: 'none' }
  /** Several have the name; their paths tell them apart. */
  | { readonly kind: 'many'; readonly paths: readonly string[] }

export interface Look {
  readonly objects: Objects
  readonly caller: Caller
  /** Take only what passes. */
  readonly only?: (stored: Stored) => boolean
  /** It is for a field that says what something belongs to. */
  readonly isNaming?: boolean
}

/** What a text names among things of a kind. */
export function find({ objects, caller, only = () => true, isNaming = false }: Look, kind: Kind, text: string): Found {
  const maySee = (stored: Stored): boolean => (isNaming ? mayName(caller, objects, stored, isId(text)) : mayRead(caller, objects, stored))
  const passes = (stored: Stored): boolean => maySee(stored) && only(stored)
  if (isId(text)) {
    const stored = objects.get(kind.kind, text.toLowerCase())
    return stored !== undefined && passes(stored) ? { kind: 'one', stored } : { kind: 'none' }
  }
  const words = text.split('/')
  const name = words.pop()!
  const found = objects.named(kind.kind, name).filter((stored) => passes(stored) && isBelow(objects, kind, stored, words))
  if (found.length > 1) return { kind: 'many', paths: found.map((stored) => pathOf(objects, kind, stored)).slice(0, 20) }
  return found[0] === undefined ? { kind: 'none' } : { kind: 'one', stored: found[0] }
}

function parentOf(objects: Objects, kind: Kind, { record }: Stored): { kind: Kind; stored: Stored } | undefined {
  const above = parentKind(kind)
  const id = above && textIn(record.spec, kind.parent!)
  const stored = id === undefined ? undefined : objects.get(above!.kind, id)
  return stored && { kind: above!, stored }
}

/** Do the parents have these names or ids, the nearest one last? */
function isBelow(objects: Objects, kind: Kind, stored: Stored, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const parent = parentOf(objects, kind, stored)
  const word = words.at(-1)!
  if (parent === undefined || (parent.stored.record.name !== word && parent.stored.record.id !== word.toLowerCase())) return false
  return isBelow(objects, parent.kind, parent.stored, words.slice(0, -1))
}

/** `acme/red/web`; an id where there is no name. */
export function pathOf(objects: Objects, kind: Kind, stored: Stored): string {
  const parent = parentOf(objects, kind, stored)
  const own = stored.record.name ?? stored.record.id
  return parent === undefined ? own : `${pathOf(objects, parent.kind, parent.stored)}/${own}`
}
