/** Looks at hostifs with guests when names of network namespaces change: a new container gets its interface at once. */
import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Context } from '../context.ts'
import { tryAgain } from './retry.ts'

const directory = '/run/netns'
/** A name is made before it stands for its namespace. */
const afterMs = 20

export class WatchNetns {
  readonly #context: Context
  readonly #failed: () => void
  readonly #due = new Set<string>()
  #watcher: FSWatcher | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  /** Call `failed` when a hostif could not be handed over: it may be too early. */
  constructor(context: Context, failed: () => void) {
    this.#context = context
    this.#failed = failed
    this.#begin()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#watcher?.close()
  }

  /** The directory is made with the first name. Until then, watch the one above. */
  #begin(): void {
    if (this.#stopped) return
    this.#watcher?.close()
    const here = this.#watch(directory, (name) => this.#note(name))
    this.#watcher =
      here ?? this.#watch(dirname(directory), (name) => void (name === basename(directory) && setImmediate(() => this.#found())))
  }

  #found(): void {
    this.#begin()
    for (const { guest } of this.#context.model.ofType('hostif')) if (guest !== null) this.#note(guest.netns)
  }

  /** Undefined: there is no such directory, or no watch left. Then the retries find a namespace, later. */
  #watch(path: string, changed: (name: string) => void): FSWatcher | undefined {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => changed(name ?? ''))
      return watcher.on('error', () => watcher.close())
    } catch {
      return undefined
    }
  }

  #note(name: string): void {
    this.#due.add(name)
    this.#timer ??= setTimeout(() => this.#context.gate.whenFree(() => this.#look()), afterMs).unref()
  }

  #look(): void {
    this.#timer = undefined
    const due = new Set(this.#due)
    this.#due.clear()
    if (this.#stopped) return
    let ok = true
    for (const hostif of this.#context.model.ofType('hostif')) {
      if (hostif.guest !== null && due.has(hostif.guest.netns)) ok = tryAgain(this.#context, hostif) && ok
    }
    if (!ok) this.#failed()
  }
}
