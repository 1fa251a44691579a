/**
 * A host for tests: a network namespace with an underlay interface, directories, a bpffs of its own, and vpcd as a
 * process in it.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Vpc } from '#client/vpc.ts'

const main = new URL('../../src/daemon/main.ts', import.meta.url).pathname
let made = 0

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** One vpcd process. */
export interface Daemon {
  readonly pid: number
  /** Its log, line by line, and its other output. */
  readonly lines: readonly string[]
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export interface SpawnOptions {
  readonly runDir?: string
  readonly stateDir?: string
  readonly level?: string
  /** More options of vpcd. */
  readonly args?: readonly string[]
}

export class TestHost implements AsyncDisposable {
  readonly netns = `vpcd-${process.pid}-${made++}`
  readonly directory = mkdtempSync(join(tmpdir(), `${this.netns}-`))
  readonly runDir = join(this.directory, 'run')
  readonly stateDir = join(this.directory, 'state')
  readonly bpffs = join(this.directory, 'bpffs')
  readonly socketPath = join(this.runDir, 'vpcd.sock')
  readonly vpc = new Vpc({ socketPath: this.socketPath, timeoutMs: 20_000 })
  readonly #daemons = new Set<ChildProcess>()
  readonly #guests: string[] = []
  #mounted = false

  /** Make it, with vpcd not running yet. */
  static create(): TestHost {
    const host = new TestHost()
    try {
      run('ip', 'netns', 'add', host.netns)
      mkdirSync(host.bpffs)
      run('mount', '-t', 'bpf', 'bpf', host.bpffs)
      host.#mounted = true
      host.ip('link', 'set', 'lo', 'up')
      host.ip('link', 'add', 'wan', 'mtu', '1600', 'type', 'veth', 'peer', 'name', 'wan-far')
      host.ip('address', 'add', '192.0.2.1/24', 'dev', 'wan')
      for (const name of ['wan', 'wan-far']) host.ip('link', 'set', name, 'up')
      return host
    } catch (error) {
      host.#remove()
      throw error
    }
  }

  /** `ip` in the host's namespace. */
  ip(...args: string[]): string {
    return run('ip', '-n', this.netns, ...args)
  }

  /** Names of the host's devices that vpcd made. */
  devices(): string[] {
    const links = JSON.parse(this.ip('-j', 'link')) as { ifname: string }[]
    return links
      .map(({ ifname }) => ifname)
      .filter((name) => !/^(lo|wan)/.test(name))
      .sort()
  }

  /** Another namespace, for a guest; a device of the host is moved into it and gets an address. */
  guest(name: string, device: string, address: string): (...command: string[]) => string {
    const guest = `${this.netns}-${name}`
    run('ip', 'netns', 'add', guest)
    this.#guests.push(guest)
    this.ip('link', 'set', device, 'netns', guest)
    run('ip', '-n', guest, 'address', 'add', address, 'dev', device)
    run('ip', '-n', guest, 'link', 'set', device, 'up')
    return (...command) => run('ip', 'netns', 'exec', guest, ...command)
  }

  /** Name of a guest's namespace. */
  guestName(name: string): string {
    return `${this.netns}-${name}`
  }

  /** Start vpcd. */
  spawn(options: SpawnOptions = {}): Daemon {
    const { runDir = this.runDir, stateDir = this.stateDir, level = 'info', args: more = [] } = options
    const args = [
      '--run-dir',
      runDir,
      '--state-dir',
      stateDir,
      '--bpffs',
      join(this.bpffs, 'vpc'),
      '--log-format',
      'json',
      '--log-level',
      level,
      ...more,
    ]
    const child = spawn('nsenter', [`--net=/run/netns/${this.netns}`, process.execPath, main, ...args], {
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    this.#daemons.add(child)
    const lines: string[] = []
    createInterface({ input: child.stderr! }).on('line', (line) => lines.push(line))
    const ended = once(child, 'close').then(([code, signal]) => {
      this.#daemons.delete(child)
      return (code ?? signal) as number | NodeJS.Signals
    })
    return { pid: child.pid!, lines, ended }
  }

  /** Start vpcd and wait until it is ready. */
  async start(options: SpawnOptions = {}): Promise<Daemon> {
    const daemon = this.spawn(options)
    const ready = (): boolean => daemon.lines.some((line) => line.includes('"message":"ready"'))
    let ended = false
    void daemon.ended.then(() => (ended = true))
    for (let waited = 0; !ready(); waited += 10) {
      if (ended || waited > 20_000) throw new Error(`vpcd did not start:\n${daemon.lines.join('\n')}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return daemon
  }

  /** How many descriptors a process of this test has open. */
  descriptorsOf({ pid }: Daemon): number {
    return readdirSync(`/proc/${pid}/fd`).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#daemons]
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'close')))
    this.#remove()
  }

  #remove(): void {
    const commands = [
      ...(this.#mounted ? [['umount', '-l', this.bpffs]] : []),
      ...this.#guests.map((name) => ['ip', 'netns', 'del', name]),
      ['ip', 'netns', 'del', this.netns],
    ]
    for (const [command, ...args] of commands) {
      try {
        run(command!, ...args)
      } catch (error) {
        process.stderr.write(`${String(error)}\n`)
      }
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}
