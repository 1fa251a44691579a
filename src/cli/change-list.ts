/** Commands that put things into a list of an object, or take them out: all of them, or none. */
import type { ObjectInfo } from '#abi/info.ts'
import { alreadySo, done, unitText } from './outcome.ts'
import type { Output } from './output.ts'

/** What is asked of a list. */
export interface ListChange {
  /** What the list is called in the output, and what one of it is for people: `members`, `member`. */
  readonly key: string
  readonly noun: string
  readonly asked: readonly string[]
  /** What the list has. */
  readonly known: readonly string[]
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** Add what is missing. */
export async function addToList(
  output: Output,
  object: ObjectInfo,
  { key, noun, asked, known }: ListChange,
  add: (missing: string[]) => Promise<void>,
): Promise<void> {
  const missing = asked.filter((each) => !known.includes(each))
  const value = { id: object.id, [key]: asked }
  if (missing.length === 0) return alreadySo(output, `${unitText(object)} has these ${noun}s`, value)
  await add(missing)
  done(output, `${unitText(object)}: ${counted(missing.length, noun)} added`, value)
}

/** Delete what is there. */
export async function deleteFromList(
  output: Output,
  object: ObjectInfo,
  { key, noun, asked, known }: ListChange,
  remove: (there: string[]) => Promise<void>,
): Promise<void> {
  const there = asked.filter((each) => known.includes(each))
  const value = { id: object.id, [key]: asked }
  if (there.length === 0) return alreadySo(output, `${unitText(object)} has no such ${noun}`, value)
  await remove(there)
  done(output, `${unitText(object)}: ${counted(there.length, noun)} deleted`, value)
}
