/** Creates and destroys objects; repeating either is safe. */
import type { Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import type { Descriptor, OpenOptions } from '#client/descriptor.ts'
import { Failure } from './failure.ts'
import { alreadySo, done, isRefusal, unitText } from './outcome.ts'
import type { Output } from './output.ts'
import { differencesOf, makeSo, refuseDifferences, type Setting } from './setting.ts'

export interface Creation<I extends ObjectInfo, D extends Descriptor<I>> {
  open(options: OpenOptions): Promise<D>
  readonly settings?: readonly Setting<D, I>[]
  /** What to do about an existing object with other settings. */
  readonly wayOut: string
}

// Nothing to undo: until it is committed, the object goes when its descriptor is closed.
const noUndo = { push: (): void => {} }

/**
 * Create an object with its settings. It is committed last, so that a failure leaves nothing. An existing object must
 * have the given settings.
 */
export async function createObject<I extends ObjectInfo, D extends Descriptor<I>>(
  output: Output,
  { open, settings = [], wayOut }: Creation<I, D>,
): Promise<void> {
  const { descriptor, isNew } = await openOrCreate(open)
  await using object = descriptor
  const info = await object.describe()
  if (isNew) await makeSo(object, info, settings, noUndo)
  else {
    refuseDifferences(info, differencesOf(settings, info), wayOut)
    refuseMissing(info)
  }
  await object.commit()
  if (isNew) done(output, `created ${unitText(info)}`, { object: await object.describe() })
  else alreadySo(output, `${unitText(info)} exists`, { object: info })
}

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
