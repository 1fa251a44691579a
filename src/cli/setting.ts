/** Settings in a command: compared with the object's, set, and undone when a later step fails. */
import type { ObjectInfo } from '#abi/info.ts'
import type { Descriptor } from '#client/descriptor.ts'
import { Failure, type Difference } from './failure.ts'
import { alreadySo, done, unitText } from './outcome.ts'
import type { Output } from './output.ts'
import { allOrNothing, type Undo } from './undo.ts'

type Scalar = string | number | boolean | null
type Comparable = Scalar | readonly Scalar[]

/** One setting. Undefined when it was not given. */
export interface Setting<D, I> {
  readonly name: string
  readonly asked: Comparable
  is(info: I): Comparable
  make(descriptor: D): Promise<unknown>
  takeBack(descriptor: D, info: I): Promise<unknown>
}

/** Declare a setting of one type of value, if it was given. */
export function setting<D, I, V extends Comparable>(
  name: string,
  asked: V | undefined,
  is: (info: I) => V,
  set: (descriptor: D, value: V) => Promise<unknown>,
): Setting<D, I>[] {
  if (asked === undefined) return []
  return [{ name, asked, is, make: (descriptor) => set(descriptor, asked), takeBack: (descriptor, info) => set(descriptor, is(info)) }]
}

const textOf = (value: Comparable): string => {
  if (typeof value === 'string' && value.length > 80) return `${value.length} characters`
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value ?? 'none')
}

const isSo = <D, I>({ asked, is }: Setting<D, I>, info: I): boolean => JSON.stringify(asked) === JSON.stringify(is(info))

/** What is not as it was asked for. */
export const differencesOf = <D, I>(settings: readonly Setting<D, I>[], info: I): Difference[] =>
  settings.filter((each) => !isSo(each, info)).map(({ name, asked, is }) => ({ setting: name, asked: textOf(asked), is: textOf(is(info)) }))

/** Set the settings that differ, and push an undo for each. */
export async function makeSo<D, I>(descriptor: D, info: I, settings: readonly Setting<D, I>[], undo: Undo): Promise<void> {
  for (const each of settings.filter((each) => !isSo(each, info))) {
    await each.make(descriptor)
    undo.push(each.name, () => each.takeBack(descriptor, info))
  }
}

/** Refuse an existing object with other settings. */
export function refuseDifferences(info: ObjectInfo, differences: readonly Difference[], wayOut: string): void {
  if (differences.length === 0) return
  throw new Failure('conflict', `${unitText(info)} exists with other settings; ${wayOut}`, { code: 'EEXIST', differences })
}

/** Change settings of an object: all or none. Prints which, or that nothing differed. */
export async function changeSettings<I extends ObjectInfo, D extends Descriptor<I>>(
  output: Output,
  descriptor: D,
  settings: readonly Setting<D, I>[],
): Promise<void> {
  const info = await descriptor.describe()
  const differences = differencesOf(settings, info)
  if (differences.length === 0) {
    const list = settings.map(({ name, asked }) => `${name} ${textOf(asked)}`).join(', ')
    return alreadySo(output, `${unitText(info)} has ${list}`, { object: info })
  }
  await allOrNothing((undo) => makeSo(descriptor, info, settings, undo))
  const list = differences.map(({ setting: name, asked, is }) => `${name} ${asked} (was ${is})`).join(', ')
  done(output, `${unitText(info)}: ${list}`, { object: await descriptor.describe() })
}
