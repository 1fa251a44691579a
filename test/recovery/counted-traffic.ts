/** A counted stream of datagrams and an open TCP connection between two guests of a lab. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { netnsPath } from '#lab/names.ts'
import { inNetns } from '#lab/program.ts'

/** A lab of two hosts with a guest each, red1 and red2 of one subnet. */
export const twoHosts = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } } }
guests:
  red1: { host: h1, subnet: red/a, address: 10.0.0.1 }
  red2: { host: h2, subnet: red/a, address: 10.0.0.2 }
`

const program = join(import.meta.dirname, 'stream.mjs')

/** What came of it. */
export interface Count {
  readonly sent: number
  readonly received: number
  /** Lines over TCP that came back, of those that were sent. */
  readonly lines: number
  readonly echoed: number
  /** Why the connection ended; empty: it is open. */
  readonly broken: string
}

/** The program of the stream in a namespace. */
export class Running {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(netns: string, ...args: string[]) {
    const [file, ...words] = inNetns(netnsPath(netns), [process.execPath, program, ...args]) as [string, ...string[]]
    this.#child = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#reader = createInterface({ input: this.#child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    assert.ok(done !== true, 'a program of the test ended early')
    return JSON.parse(value as string) as T
  }

  async stop<T>(): Promise<T> {
    this.#child.kill('SIGTERM')
    return await this.next<T>()
  }

  kill(): void {
    this.#reader.close()
    this.#child.kill('SIGKILL')
  }
}

/** Send all the time while something happens, and count. */
export async function countDuring(from: string, to: string, address: string, work: () => Promise<void>): Promise<Count> {
  const receiver = new Running(to, 'receive', '7007')
  await using stack = new AsyncDisposableStack()
  stack.defer(() => receiver.kill())
  await receiver.next()
  const sender = new Running(from, 'send', address, '7007')
  stack.defer(() => sender.kill())
  await sender.next()
  await sleep(100)
  await work()
  await sleep(100)
  const { datagrams: sent, ...tcp } = await sender.stop<{ datagrams: number; lines: number; echoed: number; broken: string }>()
  await sleep(100)
  const { datagrams: received } = await receiver.stop<{ datagrams: number }>()
  return { sent, received, ...tcp }
}

/** Fail when one datagram was lost, or the connection. */
export function assertNothingLost({ sent, received, lines, echoed, broken }: Count, atLeast = 50): void {
  assert.ok(sent >= atLeast, `only ${sent} datagrams were sent`)
  assert.deepEqual({ lost: sent - received, unanswered: lines - echoed, broken }, { lost: 0, unanswered: 0, broken: '' })
}
