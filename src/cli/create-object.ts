/** Creates and destroys objects; repeating either is safe. */
import { generateId, type Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import { nameProblem } from '#abi/object-name.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Descriptor, OpenOptions } from '#client/descriptor.ts'
import type { Vpc } from '#client/vpc.ts'
import type { Context } from './command.ts'
import { Failure, usageFailure } from './failure.ts'
import { alreadySo, done, isRefusal, unitText } from './outcome.ts'
import type { Output } from './output.ts'
import { differencesOf, makeSo, refuseDifferences, setting, type Setting } from './setting.ts'

export interface Creation<I extends ObjectInfo, D extends Descriptor<I>> {
  readonly type: UnitType
  /** Undefined: that of the object of this name, or a new one. */
  readonly id: Id | undefined
  readonly name?: string | undefined
  /** Of types whose names several objects may share: whether one of that name is the one that is meant. */
  isSame?(info: I): boolean
  open(client: Vpc, id: Id, options: OpenOptions): Promise<D>
  readonly settings?: readonly Setting<D, I>[]
  /** The command that changes an existing object, up to its id. */
  readonly change?: string
}

// Nothing to undo: until it is committed, the object goes when its descriptor is closed.
const noUndo = { push: (): void => {} }

/**
 * Create an object with its settings. It is committed last, so that a failure leaves nothing. An existing object must
 * have the given settings.
 */
export async function createObject<I extends ObjectInfo, D extends Descriptor<I>>(
  { vpc, output }: Pick<Context, 'vpc' | 'output'>,
  { type, id: given, name, isSame, open, settings: others = [], change }: Creation<I, D>,
): Promise<void> {
  const client = await vpc()
  const id = given ?? (await idOfNamed(client, type, name, isSame))
  const settings = [...nameSetting<D, I>(name), ...others]
  const { descriptor, isNew } = await openOrCreate((options) => open(client, id, options))
  await using object = descriptor
  const info = await object.describe()
  if (isNew) await makeSo(object, info, settings, noUndo)
  else {
    refuseDifferences(info, differencesOf(settings, info), change === undefined ? '' : `change it with ${change}=${id}`)
    refuseMissing(info)
  }
  await object.commit()
  if (isNew) done(output, `created ${unitText(info)}`, { object: await object.describe() })
  else alreadySo(output, `${unitText(info)} exists`, { object: info })
}

/** The id of the object of a name, or a new one. Throws a usage failure for a text that cannot be a name. */
export async function idOfNamed<I extends ObjectInfo>(
  client: Vpc,
  type: UnitType,
  name: string | undefined,
  isSame: (info: I) => boolean = () => true,
): Promise<Id> {
  if (name === undefined) return generateId(type)
  const problem = nameProblem(name)
  if (problem !== undefined) throw usageFailure(`NAME: ${problem}`)
  await using mgmt = await client.mgmt()
  for (const found of await mgmt.find(name, [type])) {
    await using object = await client.open(found.id, type, { write: false })
    if (isSame((await object.describe()) as I)) return found.id
  }
  return generateId(type)
}

/** A name as a setting. */
export const nameSetting = <D extends Descriptor<I>, I extends ObjectInfo>(name: string | undefined): Setting<D, I>[] =>
  setting<D, I, string | null>(
    'name',
    name,
    (info) => info.name,
    (object, value) => object.setName(value),
  )

/** Refuse an object without its device: a container takes its hostif with it when it ends. */
function refuseMissing(info: ObjectInfo): void {
  if (!('device' in info) || info.device !== 'missing') return
  const differences = [{ setting: 'device', asked: info.unit, is: info.device }]
  const message = `${unitText(info)} exists, but its device was deleted, by hand or with its namespace; make it again with vpc audit --repair`
  throw new Failure('conflict', message, { code: 'ENODEV', differences })
}

/** Open an existing object, or create it, uncommitted. */
export async function openOrCreate<D>(open: (options: OpenOptions) => Promise<D>): Promise<{ descriptor: D; isNew: boolean }> {
  try {
    return { descriptor: await open({ create: true, write: true }), isNew: true }
  } catch (error) {
    if (!isRefusal(error, 'EEXIST')) throw error
    return { descriptor: await open({ write: true }), isNew: false }
  }
}

/** Open an object to change it; undefined when there is none. */
export async function openIfThere<D>(open: (options: OpenOptions) => Promise<D>): Promise<D | undefined> {
  try {
    return await open({ write: true })
  } catch (error) {
    if (isRefusal(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Destroy an object. A missing one is no error. `noun` names it: 'a switch'. */
export async function destroyObject<D extends Descriptor>(
  output: Output,
  open: (options: OpenOptions) => Promise<D>,
  noun: string,
  id: Id,
): Promise<void> {
  await using object = await openIfThere(open)
  if (object === undefined) return alreadySo(output, `there is no ${noun} ${id}`, { id })
  const info = await object.describe()
  await object.destroy()
  done(output, `destroyed ${unitText(info)}`, { id })
}
