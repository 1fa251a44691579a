/** The processes that have the agents, and what they say. */
import { fork, type ChildProcess } from 'node:child_process'
import type { FromAgents, ToAgents } from './agents.ts'
import type { Stall } from './stalls.ts'

/** Something that hosts are to do with a MAC address. */
interface Watched {
  readonly left: Set<string>
  last: number
  readonly resolve: (at: number) => void
}

export class Fleet implements AsyncDisposable {
  readonly children: readonly ChildProcess[]
  readonly #memory = new Map<ChildProcess, number>()
  readonly #cpu = new Map<ChildProcess, number>()
  /** The longest that the event loop of one was held; whoever reads it sets it back. */
  heldMs = 0
  /** Of all processes, as they say them: once a second. */
  readonly stalls: Stall[] = []
  readonly #watched = new Map<string, Watched>()

  constructor(count: number) {
    this.children = Array.from({ length: count }, () => {
      const child = fork(new URL('agents.ts', import.meta.url), { serialization: 'json' })
      child.on('message', (message: FromAgents) => this.#hear(child, message))
      return child
    })
  }

  #hear(child: ChildProcess, message: FromAgents): void {
    if (message.kind === 'used') {
      this.#memory.set(child, message.bytes)
      this.#cpu.set(child, message.cpuMs)
      this.stalls.push(...message.stalls)
      this.heldMs = Math.max(this.heldMs, message.heldMs)
    }
    if (message.kind !== 'seen') return
    const waiting = this.#watched.get(`${message.what} ${message.mac}`)
    if (waiting === undefined || !waiting.left.delete(message.host)) return
    waiting.last = Math.max(waiting.last, message.at)
    if (waiting.left.size === 0) waiting.resolve(waiting.last)
  }

  /** Start agents in one of the processes. */
  start(n: number, hosts: Extract<ToAgents, { kind: 'start' }>['hosts']): void {
    this.children[n % this.children.length]!.send({ kind: 'start', hosts } satisfies ToAgents)
  }

  /** When the last of these hosts has done something with a MAC address. */
  saw(what: 'set' | 'removed', mac: string, on: Iterable<string>): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    const left = new Set(on)
    if (left.size === 0) resolve(0)
    this.#watched.set(`${what} ${mac}`, { left, last: 0, resolve })
    return promise
  }

  /** Of all processes, in bytes. */
  get memory(): number {
    return [...this.#memory.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Of all processes, in ms. It comes once a second. */
  get cpuMs(): number {
    return [...this.#cpu.values()].reduce((sum, ms) => sum + ms, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) child.send({ kind: 'stop' } satisfies ToAgents)
    await Promise.all(
      this.children.map((child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(0)))),
    )
  }
}
