/**
 * A checkpoint of the mirror beside the API's data, so that a start reads it and what has changed since. The store
 * decides: it has a mark that was written after the file. What does not fit is no checkpoint, and all is read.
 */
import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { moduleFile } from '#system/module-file.ts'
import type { StoreLocation } from '../store/location.ts'
import { put, type Store } from '../store/store.ts'
import { CheckpointUnusable, readCheckpoint } from './checkpoint-file.ts'
import type { CheckpointTask } from './checkpoint-worker.ts'
import { checkpointKey } from './keys.ts'
import type { Mirror } from './mirror.ts'
import type { Checkpoint, MirrorBase } from './mirror-base.ts'

const program = moduleFile('./checkpoint-worker', import.meta.url)

/** Smaller stores are read whole within a second. */
const leastObjects = 20_000
/** Stores forget what changed an hour ago. */
const everyMs = 1_200_000
/** After a start. */
const firstMs = 30_000

export interface CheckpointOptions {
  /** The directory of the file. */
  readonly directory: string
  readonly location: StoreLocation
  readonly store: Store
  /** Told why one was not used. */
  readonly info: (message: string) => void
}

export class Checkpoints implements Checkpoint {
  readonly #options: CheckpointOptions
  readonly #path: string
  #id: string = randomUUID()
  /** The revision of the file that is there. */
  #written: number | undefined
  #worker: Worker | undefined
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: CheckpointOptions) {
    this.#options = options
    this.#path = join(options.directory, 'mirror.checkpoint')
  }

  async read(): Promise<MirrorBase | undefined> {
    try {
      const { base, id, mark } = readCheckpoint(this.#path)
      const { entries } = await this.#options.store.get([checkpointKey(id)])
      this.#id = id
      if (entries[0] === undefined) throw new CheckpointUnusable('the store does not know it: it is too old, or of another store')
      if (entries[0].value !== mark || entries[0].modified <= base.revision) throw new CheckpointUnusable('it is of another store')
      this.#written = base.revision
      return base
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      this.#options.info(`the checkpoint ${this.#path} is not used, and all of the store is read: ${(error as Error).message}`)
      return undefined
    }
  }

  /** Write one now and then, if the store is large and has changed. `failed` hears what goes wrong. */
  follow(mirror: Mirror, failed: (error: unknown) => void): void {
    const look = async (): Promise<void> => {
      if (mirror.objects.total >= leastObjects && this.isBehind(mirror)) await this.write().catch(failed)
      this.#later(look, everyMs)
    }
    this.#later(look, firstMs)
  }

  /** Whether something has changed since the file was written: more than its mark, and those of other APIs. */
  isBehind = ({ changed }: Pick<Mirror, 'changed'>): boolean => (this.#written ?? -1) < changed

  #later(look: () => Promise<void>, ms: number): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void look(), ms).unref()
  }

  /** Write one. */
  write(): Promise<void> {
    this.#writing = this.#write()
    return this.#writing
  }

  async #write(): Promise<void> {
    const partial = `${this.#path}.partial`
    const task: CheckpointTask = { location: this.#options.location, path: partial, id: this.#id, mark: randomUUID() }
    try {
      const revision = await this.#work(task)
      if (revision === undefined) return
      // From now on the file that is there is none. A store that has this mark has what the new one has.
      await this.#options.store.commit({ if: [], write: [put(checkpointKey(task.id), task.mark)] })
      await rename(partial, this.#path)
      await using directory = await open(this.#options.directory)
      await directory.sync()
      this.#written = revision
    } finally {
      await rm(partial, { force: true })
    }
  }

  /** The revision of what was written; undefined: it was to end before. */
  async #work(task: CheckpointTask): Promise<number | undefined> {
    const worker = new Worker(program, { workerData: task })
    this.#worker = worker
    worker.unref()
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => resolve(undefined))
    return promise.finally(() => (this.#worker = undefined))
  }

  /** Write no more. What is there then is the checkpoint that the store has the mark of, and no part of another. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#isStopped = true
    await this.#worker?.terminate()
    // Whoever began it hears what went wrong.
    await this.#writing?.catch(() => {})
  }
}
