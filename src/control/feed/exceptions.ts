/**
 * Writes down in the store what hosts cannot do of their vnics, and that they can again: other APIs see it there. A
 * fleet without troubles writes nothing, and a host that changes its mind all the time writes once a second.
 */
import type { ItemError } from '#feed/message.ts'
import { exceptionKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'
import type { Exception } from '../model/record.ts'
import { del, put, type Store, type Write } from '../store/store.ts'

const pauseMs = 1_000
/** A commit takes 128 writes. */
const atOnce = 100

export class Exceptions {
  readonly #mirror: Mirror
  readonly #store: Store
  /** Hosts that have reported since they were looked at. */
  readonly #noted = new Set<string>()
  #isRunning = false
  #isStopped = false

  constructor(mirror: Mirror, store: Store) {
    this.#mirror = mirror
    this.#store = store
  }

  /** A host has reported. */
  note(host: string): void {
    if (this.#writesOf(host).length === 0) return
    this.#noted.add(host)
    if (!this.#isRunning) void this.#run()
  }

  /** Write no more. */
  stop(): void {
    this.#isStopped = true
    this.#noted.clear()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#noted.size > 0 && !this.#isStopped) {
      const hosts = [...this.#noted]
      this.#noted.clear()
      for (const host of hosts) await this.#write(host).catch(() => this.#noted.add(host))
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
    }
    this.#isRunning = false
  }

  async #write(host: string): Promise<void> {
    const write = this.#writesOf(host).slice(0, atOnce)
    if (write.length === 0) return
    const { revision } = await this.#store.commit({ if: [], write })
    await this.#mirror.reach(revision)
    if (write.length === atOnce) this.#noted.add(host)
  }

  /**
   * What differs between what the host says and what is written down, of vnics that are plugged in there alone. Most
   * hosts say that nothing fails, so only vnics that fail or did are looked at.
   */
  #writesOf(host: string): Write[] {
    const { objects, hosts, excepted } = this.#mirror
    const errors = hosts.get(host)?.errors ?? new Map<string, ItemError>()
    const failing = [...errors.values()].flatMap(({ kind, id }) => (kind === 'vnic' ? [id] : []))
    return [...new Set([...failing, ...excepted])].flatMap((id): Write[] => {
      const record = objects.get('vnic', id)?.record
      if (record?.binding?.host !== host) return []
      const [is, written] = [errors.get(`vnic/${id}`), this.#mirror.exceptionOf(id)]
      if (is === undefined) return written === undefined ? [] : [del(exceptionKey(id))]
      const epoch = record.epoch!
      if (written !== undefined && written.epoch === epoch && written.code === is.code && written.text === is.text) return []
      const value: Exception = { host, epoch, code: is.code, text: is.text, since: is.since }
      return [put(exceptionKey(id), JSON.stringify(value))]
    })
  }
}
