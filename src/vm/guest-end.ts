/** How a guest ended, concluded from the requests, QEMU's events, and the exit of its process. */
import type { ChildProcess } from 'node:child_process'
import type { BoundedLog } from './bounded-log.ts'
import type { QmpEvent } from './qmp.ts'
import type { VmEnd } from './vm-state.ts'

/** The last bytes of QEMU's complaints are kept. */
const keptBytes = 2000

export class GuestEnd {
  /** A command asked for the end. */
  asked = false
  /** The guest did not power off when it was asked to. */
  hurried = false
  #shutdown: string | undefined
  #code: number | null | undefined
  #signal: NodeJS.Signals | null = null
  #said = ''
  #settled: Promise<void> = Promise.resolve()
  readonly #log: BoundedLog

  constructor(log: BoundedLog) {
    this.#log = log
  }

  /** Follow a child to its end. */
  watch(child: ChildProcess): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#settled = promise
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log.write(chunk)
      this.#said = (this.#said + chunk.toString('utf8')).slice(-keptBytes)
    })
    child.once('close', (code, signal) => {
      this.#code = code
      this.#signal = signal
      resolve()
    })
  }

  /** Resolves when the child has gone, or when there is none. */
  get settled(): Promise<void> {
    return this.#settled
  }

  /** QEMU's last complaint. */
  get lastWords(): string {
    return (
      this.#said
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^qemu-system-[^:]+: /, '') ?? ''
    )
  }

  /** Take note of an event. */
  note({ event, data }: QmpEvent): void {
    if (event === 'SHUTDOWN') this.#shutdown = String(data?.['reason'] ?? 'unknown')
    if (event === 'GUEST_PANICKED') this.#said += 'the guest panicked\n'
  }

  /** The end, in words. `failure`: why a start failed. */
  describe(failure?: string): VmEnd {
    const at = new Date().toISOString()
    if (failure !== undefined) return { reason: 'failed', detail: this.lastWords || failure, at }
    if (this.#signal === 'SIGKILL' || (this.#signal !== null && this.#signal !== 'SIGTERM')) {
      return { reason: this.asked ? 'stopped' : 'killed', detail: `QEMU was ended by ${this.#signal}`, at }
    }
    if (this.asked) {
      return {
        reason: 'stopped',
        detail: this.hurried ? 'it did not power off when it was asked to, and was ended' : 'as it was asked to',
        at,
      }
    }
    if (this.#shutdown?.startsWith('guest')) return { reason: 'powered-off', detail: 'by the guest itself', at }
    if (this.#shutdown === 'host-signal') return { reason: 'killed', detail: 'QEMU was ended by a signal', at }
    if (this.#shutdown !== undefined) return { reason: 'stopped', detail: `QEMU says ${this.#shutdown}`, at }
    // The exit status of a process that is not our child cannot be learnt. Without an event before, it was killed or
    // crashed.
    if (this.#code === undefined) return { reason: 'killed', detail: 'QEMU ended silently, after the supervisor that started it', at }
    return { reason: 'failed', detail: `QEMU ended with ${this.#code}: ${this.lastWords || 'it said nothing'}`, at }
  }
}
