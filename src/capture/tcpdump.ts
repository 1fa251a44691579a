/** tcpdump, which opens packet sockets and compiles filters; it knows libpcap's language, so nobody else has to. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { framesOf, type StreamedFrame } from './pcap-stream.ts'

/** tcpdump does not run, or refuses what it is asked: its own words. */
export class TcpdumpFailed extends Error {}

/** Where a device is. */
export interface Place {
  readonly device: string
  /** Path of its network namespace; undefined: this one. */
  readonly netns?: string | undefined
}

/** Throws TcpdumpFailed when the filter is wrong, in libpcap's words, or when there is no tcpdump. */
export function checkFilter(filter: string): void {
  const { error, status, stderr } = spawnSync('tcpdump', ['-y', 'EN10MB', '-d', '--', filter], { encoding: 'utf8' })
  if (error !== undefined) throw new TcpdumpFailed(`cannot run tcpdump: ${error.message}; install the package tcpdump`)
  if (status !== 0)
    throw new TcpdumpFailed(
      stderr
        .trim()
        .split('\n')
        .at(-1)!
        .replace(/^tcpdump: /, ''),
    )
}

export interface Counts {
  readonly received: number
  readonly lost: number
}

export class Tcpdump {
  readonly #child: ChildProcess
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
  }

  /** Capture what a device receives or sends, from now on. Throws TcpdumpFailed. */
  static async open({ device, netns }: Place, way: 'in' | 'out' | 'inout', snapLength: number, filter?: string): Promise<Tcpdump> {
    const words = ['tcpdump', '-i', device, '-Q', way, '-s', String(snapLength), '--time-stamp-precision=nano', '--immediate-mode']
    const whole = [...words, '-U', '-w', '-', ...(filter === undefined ? [] : ['--', filter])]
    const [command, ...args] = netns === undefined ? whole : ['nsenter', `--net=${netns}`, ...whole]
    const opened = new Tcpdump(spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true }))
    await opened.#listening()
    return opened
  }

  /** Let frames of a file through that a filter takes: the file is written to `input`. */
  static filter(filter: string): Tcpdump & { readonly input: Writable } {
    const child = spawn('tcpdump', ['-r', '-', '-U', '-w', '-', '--', filter], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    child.stdin!.on('error', () => {})
    return Object.assign(new Tcpdump(child), { input: child.stdin! })
  }

  /** Frames, until it ends. */
  frames(): AsyncGenerator<StreamedFrame, void, undefined> {
    return framesOf(this.#child.stdout as Readable)
  }

  /** Stop capturing: what is on its way still comes, and then the frames end. */
  stop(): void {
    this.#child.kill('SIGINT')
  }

  /** What it says at its end. */
  async counts(): Promise<Counts> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close')
    const number = (words: string): number => Number(new RegExp(`^(\\d+) packets? ${words}`, 'm').exec(this.#said)?.[1] ?? 0)
    return { received: number('received by filter'), lost: number('dropped by kernel') + number('dropped by interface') }
  }

  async #listening(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.#said.includes('listening on')) resolve()
    }
    this.#child.stderr!.on('data', look)
    this.#child.once('error', (error) => reject(new TcpdumpFailed(`cannot run tcpdump: ${error.message}; install the package tcpdump`)))
    this.#child.once('close', () => reject(new TcpdumpFailed(this.#said.trim().replace(/^tcpdump: /, '') || 'tcpdump has ended')))
    await promise
  }
}
