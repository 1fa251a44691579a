/**
 * The processes of the services for guests: metadata, which lives in the namespace of the services, and DNS, which
 * lives in the host's, because it asks other servers. vpcd opens the sockets in the namespace of the services, gives
 * them to the process, and closes its own copies: when a process has ended, the kernel refuses guests at once. Each
 * process drops its privileges before it serves. vpcd starts one that has ended again.
 *
 * They go on without vpcd. The next vpcd replaces them: it may be of another version.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceAddresses } from '#datapath/device/services.ts'
import { serviceUsers, type GuestFiles, type ServiceName } from '#datapath/guest-files.ts'
import { KernelError } from '#kernel/errno.ts'
import type { Socket } from 'node:net'
import { openWaiting, type Waiting } from '#kernel/listen-socket.ts'
import { insideNetns, Netns } from '#kernel/netns.ts'
import type { NameQuestion } from '#abi/name-question.ts'
import type { Serving } from '#object/host.ts'
import { moduleFile } from '#system/module-file.ts'
import { markProcess, signalProcess, type ProcessMark } from '#system/process-mark.ts'
import type { Log } from '#system/log.ts'

interface Service {
  readonly main: string
  readonly sockets: readonly { readonly protocol: Waiting['protocol']; readonly port: number }[]
  readonly inside: boolean
  /** It asks vpcd for names. */
  readonly asks?: boolean
}

const mainOf = (name: string): string => moduleFile(`../services/${name}-main`, import.meta.url)

const services: Readonly<Record<ServiceName, Service>> = {
  metadata: { main: mainOf('metadata'), sockets: [{ protocol: 'tcp', port: 80 }], inside: true },
  dns: {
    main: mainOf('dns'),
    sockets: [
      { protocol: 'udp', port: 53 },
      { protocol: 'tcp', port: 53 },
    ],
    inside: false,
    asks: true,
  },
}
const names = Object.keys(services) as ServiceName[]

/** Before a process that has ended is started again; the time doubles until one lives for as long as the longest. */
const againMs = [200, 20_000] as const

export class ServiceProcesses implements Serving {
  readonly #runDir: string
  readonly #files: GuestFiles
  readonly #log: Log
  readonly #running = new Map<ServiceName, ChildProcess>()
  readonly #waiting = new Map<ServiceName, ReturnType<typeof setTimeout>>()
  #netns: Netns | undefined
  /** Tells those who listen what a guest asks DNS for. Gives whether anybody does. */
  heard: (question: NameQuestion) => boolean = () => false

  constructor(runDir: string, files: GuestFiles, log: Log) {
    this.#runDir = runDir
    this.#files = files
    this.#log = log
  }

  start(netnsFd: number): void {
    this.stop()
    this.#netns = new Netns(openSync(`/proc/self/fd/${netnsFd}`, 'r'))
    for (const name of names) this.#start(name, againMs[0])
  }

  stop(): void {
    this.#netns?.[Symbol.dispose]()
    this.#netns = undefined
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    for (const name of names) {
      this.#running.get(name)?.kill('SIGKILL')
      this.#endLeft(name)
    }
    this.#running.clear()
  }

  /** Let go of the processes, which go on. */
  [Symbol.dispose](): void {
    this.#netns?.[Symbol.dispose]()
    this.#netns = undefined
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    for (const child of this.#running.values()) child.unref()
    this.#running.clear()
  }

  #start(name: ServiceName, waitMs: number): void {
    this.#waiting.delete(name)
    const netns = this.#netns
    if (netns === undefined) return
    try {
      const child = this.#spawn(name, netns)
      const startedAt = performance.now()
      this.#running.set(name, child)
      child.on('error', (error) => this.#log.error(`the ${name} service for guests did not start`, { error: error.message }))
      child.on('exit', (code, signal) => this.#ended(name, child, signal ?? `status ${code}`, performance.now() - startedAt, waitMs))
    } catch (error) {
      this.#log.error(`cannot start the ${name} service for guests`, { error: String(error) })
      this.#again(name, waitMs)
    }
  }

  #spawn(name: ServiceName, netns: Netns): ChildProcess {
    const { main, sockets, inside, asks = false } = services[name]
    const fds = insideNetns(netns.fd, () =>
      openAll(sockets.flatMap((socket) => serviceAddresses[name].map((address) => ({ ...socket, address })))),
    )
    const directory = openSync(this.#files.directory(name), 'r')
    const log = this.#openLog(name)
    try {
      const run = (): ChildProcess =>
        spawn(
          process.execPath,
          [
            '--max-old-space-size=256',
            main,
            JSON.stringify({ uid: serviceUsers[name], sockets: fds.map(({ family, protocol }) => ({ family, protocol })) }),
          ],
          {
            stdio: ['ignore', log, log, directory, ...fds.map(({ fd }) => fd), ...(asks ? (['pipe'] as const) : [])],
            detached: true,
            cwd: '/',
            env: {},
          },
        )
      const child = inside ? insideNetns(netns.fd, run) : run()
      child.unref()
      if (asks) answerQuestions(child.stdio.at(-1) as Socket, (question) => this.heard(question))
      const mark = child.pid === undefined ? undefined : markProcess(child.pid)
      if (mark !== undefined) writeFileSync(this.#markPath(name), JSON.stringify(mark))
      return child
    } finally {
      for (const fd of [directory, log]) closeSync(fd)
      for (const { fd } of fds) closeSync(fd)
    }
  }

  /** A log of its own for each process; the last one says why it has ended. */
  #openLog(name: ServiceName): number {
    const path = join(this.#runDir, `${name}.log`)
    if (existsSync(path)) renameSync(path, `${path}.1`)
    return openSync(path, 'w', 0o600)
  }

  #ended(name: ServiceName, child: ChildProcess, how: string, livedMs: number, waitMs: number): void {
    if (this.#running.get(name) !== child) return
    this.#running.delete(name)
    this.#log.warn(`the ${name} service for guests has ended (${how}); vpcd starts it again`)
    this.#again(name, livedMs > againMs[1] ? againMs[0] : waitMs)
  }

  #again(name: ServiceName, waitMs: number): void {
    const next = Math.min(againMs[1], waitMs * 2)
    this.#waiting.set(name, setTimeout(() => this.#start(name, next), waitMs).unref())
  }

  /** End a process that an earlier vpcd has left. */
  #endLeft(name: ServiceName): void {
    try {
      signalProcess(JSON.parse(readFileSync(this.#markPath(name), 'utf8')) as ProcessMark, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn(`cannot end the ${name} service of an earlier vpcd`, { error: String(error) })
    }
  }

  #markPath(name: ServiceName): string {
    mkdirSync(this.#runDir, { recursive: true })
    return join(this.#runDir, `${name}.process`)
  }
}

/** Longer than any question. */
const longestLine = 4_096

/** Bytes of answers that it has not taken. */
const mostUntaken = 256 * 1024

/**
 * Answer a process for as long as it lives. It serves strangers: vpcd hears it no more once it says what is no
 * question, or takes no answers.
 */
export function answerQuestions(socket: Socket, heard: (question: NameQuestion) => boolean): void {
  let text = ''
  socket.unref()
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n')
    text = lines.pop()!
    const questions = lines.map(readQuestion)
    if (text.length > longestLine || questions.includes(undefined)) return void socket.destroy()
    for (const question of questions) socket.write(`${JSON.stringify({ number: question!.number, isHeard: heard(question!) })}\n`)
    if (socket.writableLength > mostUntaken) socket.destroy()
  })
}

/** Undefined: it is none. */
function readQuestion(line: string): NameQuestion | undefined {
  try {
    const { number, zone, source, name, address } = JSON.parse(line) as Partial<Record<keyof NameQuestion, unknown>>
    const numbers = [number, zone, source].every((each) => Number.isSafeInteger(each))
    const isText = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value.length <= 255)
    if (!numbers || !isText(name) || !isText(address) || (name === undefined) === (address === undefined)) return undefined
    return { number, zone, source, name, address } as NameQuestion
  } catch {
    return undefined
  }
}

interface Open {
  readonly fd: number
  readonly family: 4 | 6
  readonly protocol: Waiting['protocol']
}

/** Hosts without IPv6 have services for IPv4. */
function openAll(sockets: readonly Waiting[]): Open[] {
  return sockets.flatMap((socket): Open[] => {
    const family = socket.address.length === 4 ? 4 : 6
    try {
      return [{ fd: openWaiting(socket), family, protocol: socket.protocol }]
    } catch (error) {
      if (family === 6 && error instanceof KernelError) return []
      throw error
    }
  })
}
