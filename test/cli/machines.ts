/** Machines for tests of whole commands: a network namespace and directories each, with an underlay between them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import type { Readable } from 'node:stream'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { GuestShell } from '../vm/guest-shell.ts'
import { vpcPath } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-up-'))
const tag = `vu${process.pid}`
export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A machine of its own: a network namespace, and directories. */
export class Machine {
  readonly name: string
  readonly netns: string
  readonly directory: string
  constructor(name: string) {
    this.name = name
    this.netns = `${tag}-${name}`
    this.directory = join(directory, name)
    mkdirSync(this.directory)
    ip('netns', 'add', this.netns)
    ip('-n', this.netns, 'link', 'set', 'lo', 'up')
  }
  get bpffs(): string {
    return `/sys/fs/bpf/${this.netns}`
  }
  get state(): string {
    return join(this.directory, 's')
  }
  get vmDir(): string {
    return join(this.directory, 'vm')
  }
  get agentDir(): string {
    return join(this.directory, 'a')
  }
  /** Words that run a command on it, as `ssh` would. */
  get shell(): string {
    const bin = join(this.directory, 'bin')
    mkdirSync(bin, { recursive: true })
    if (!existsSync(join(bin, 'vpc'))) symlinkSync(vpcPath, join(bin, 'vpc'))
    const env = [`VPC_SOCKET=${join(this.directory, 'run/vpcd.sock')}`, `VPC_VM_DIR=${this.vmDir}`, `PATH=${bin}:${process.env.PATH}`]
    return `nsenter --net=/run/netns/${this.netns} env ${env.join(' ')}`
  }
  /** Run `vpc LINE MORE…` on it. */
  run(line: string, ...more: string[]): Ran {
    const { args, env } = this.#command(line, more)
    const { status, stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8', env })
    return { code: status, out: stdout, err: stderr }
  }
  /** The same, and do something as soon as it says something on its standard error. */
  async runUntil(word: RegExp, then: (child: ChildProcess) => unknown, line: string, ...more: string[]): Promise<Ran> {
    const { args, env } = this.#command(line, more)
    const child = spawn('nsenter', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err, hasSaid] = ['', '', false]
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
      if (hasSaid || !word.test(err)) return
      hasSaid = true
      then(child)
    })
    const [code] = (await once(child, 'close')) as [number | null]
    assert.ok(hasSaid, `${this.name}: ${line} ended before it said ${word}: ${out}${err}`)
    return { code, out, err }
  }
  #command(line: string, more: readonly string[]): { args: string[]; env: NodeJS.ProcessEnv } {
    const words = [...(line === '' ? [] : line.split(' ')), ...more]
    const own = [
      ...(['up', 'down'].includes(words[0]!) ? [`--state-dir=${this.state}`, `--bpffs=${this.bpffs}`] : []),
      ...(/^((up|down|join|login|agent|vnic (attach|detach))( |$)|vm (create|destroy|migrate) [a-z])/.test(line)
        ? [`--${words[0] === 'join' || words[0] === 'agent' ? '' : 'agent-'}state-dir=${this.agentDir}`]
        : []),
      ...(words[0] === 'why' ? [`--state-dir=${this.agentDir}`] : []),
    ]
    const env = {
      ...process.env,
      VPC_VM_DIR: this.vmDir,
      VPC_SOCKET: join(this.directory, 'run/vpcd.sock'),
      XDG_CONFIG_HOME: join(this.directory, 'config'),
      VPC_API: '',
      VPC_TOKEN: '',
    }
    return { args: [`--net=/run/netns/${this.netns}`, vpcPath, ...words, ...own], env }
  }
  /** The same; it must succeed. Gives what it prints. */
  ok(line: string, ...more: string[]): string {
    const { code, out, err } = this.run(line, ...more)
    assert.equal(code, 0, `${this.name}: ${line}: ${out}${err}`)
    return out
  }
  /** What `vpc up` has started. */
  processes(): Record<string, ProcessMark> {
    return (JSON.parse(readFileSync(join(this.state, 'up.json'), 'utf8')) as { processes: Record<string, ProcessMark> }).processes
  }
  /** As after a power failure: no process, no device, no pin, and the same files on its disk. */
  async loseMemory(): Promise<void> {
    const marks = Object.values(this.processes())
    for (const { pid } of marks) process.kill(pid, 'SIGKILL')
    await until('its daemons have ended', () => !marks.some(isRunning))
    ip('netns', 'del', this.netns)
    for (const name of [this.bpffs, join(this.directory, 'run')]) rmSync(name, { recursive: true, force: true })
    ip('netns', 'add', this.netns)
    ip('-n', this.netns, 'link', 'set', 'lo', 'up')
  }
  /** The state directory as root's processes kept it, before the API and the issuer had users of their own. */
  asBefore(): void {
    for (const [from, names] of [
      ['api', readdirSync(join(this.state, 'api'))],
      ['issuer', ['ca']],
    ] as const) {
      for (const name of names) {
        rmSync(join(this.state, name), { force: true })
        renameSync(join(this.state, from, name), join(this.state, name))
        execFileSync('chown', ['-R', '0:0', join(this.state, name)])
      }
      rmSync(join(this.state, from), { recursive: true })
    }
  }
  /** Its interfaces. */
  devices(): string[] {
    return (JSON.parse(ip('-n', this.netns, '-j', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname).sort()
  }
}

/** What becomes of a user who opens a file, or connects to a socket. */
export function asUser(uid: number, how: 'r' | 'r+' | 'w' | 'connect', path: string): string {
  const program = `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid})
    const say = (error) => { console.log(error?.code ?? 'done'); process.exit() }
    const [how, path] = ${JSON.stringify([how, path])}
    if (how === 'connect') net.connect(path, () => say()).on('error', say)
    else fs.open(path, how, say)`
  return execFileSync('timeout', ['20', process.execPath, '-e', program], { encoding: 'utf8' }).trim()
}

export const machines: Machine[] = []
const containers: string[] = []
/** A container: a namespace of its own. */
export const container = (name: string): string => {
  const netns = `${tag}-${name}`
  ip('netns', 'add', netns)
  containers.push(netns)
  return netns
}
/** The IPv4 address of a container's interface. */
export const addressOf = (netns: string): string | undefined => {
  const found = spawnSync('ip', ['-n', netns, '-j', '-4', 'addr', 'show', 'eth0'], { encoding: 'utf8' }).stdout
  return found === '' ? undefined : (JSON.parse(found) as { addr_info: { local: string }[] }[])[0]?.addr_info[0]?.local
}
/** Whether an address answers a container. */
export const pings = (netns: string, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '1', '-W', '1', address]).status === 0
/** Numbers that are missing below the last answer in what ping has printed: what came later is not a loss. */
export function missingIn(text: string): { answered: number; missing: number[] } {
  const seen = new Set([...text.matchAll(/seq=(\d+)/g)].map(([, seq]) => Number(seq)))
  const [first, last] = [Math.min(...seen), Math.max(...seen)]
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
  return { answered: seen.size, missing: all.filter((seq) => !seen.has(seq)) }
}

/** Ping an address from a container 50 times a second. */
const pinging = new Set<Pinging>()

export class Pinging {
  readonly #child: ChildProcessByStdio<null, Readable, null>
  #text = ''
  constructor(netns: string, address: string) {
    const args = ['600', 'ip', 'netns', 'exec', netns, 'ping', '-n', '-i', '0.02', address]
    pinging.add(this)
    this.#child = spawn('timeout', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout.setEncoding('utf8').on('data', (part: string) => void (this.#text += part))
  }
  /** Wait until so many more are answered. */
  async answers(count: number): Promise<void> {
    const before = missingIn(this.#text).answered
    await until(`${count} answers come`, () => missingIn(this.#text).answered >= before + count)
  }
  /** End it, and give what was lost. */
  async stop(): Promise<readonly number[]> {
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    await closed
    pinging.delete(this)
    return missingIn(this.#text).missing
  }
}

/** Processes whose words contain a text; between words are zero bytes. */
export const processesWith = (text: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text))

/** Wait until something is so, for half a minute unless told otherwise. */
export async function until(what: string, look: () => boolean | Promise<boolean>, forMs = 30_000): Promise<void> {
  for (const end = performance.now() + forMs; performance.now() < end; await sleep(100)) if (await look()) return
  assert.fail(`waited in vain until ${what}`)
}

/** Machines h1 and h2, with an underlay between them. */
export function twoMachines(): readonly [Machine, Machine] {
  chmodSync(directory, 0o755) // The agent is another user.
  const [h1, h2] = [new Machine('h1'), new Machine('h2')]
  machines.push(h1, h2)
  joinMachines(h1, h2)
  return [h1, h2]
}

/** A wire between both. */
export function joinMachines(h1: Machine, h2: Machine): void {
  // The kernel takes its time with the devices of a namespace that has gone.
  spawnSync('ip', ['-n', h2.netns, 'link', 'del', 'u2'])
  ip('link', 'add', 'u1', 'netns', h1.netns, 'type', 'veth', 'peer', 'name', 'u2', 'netns', h2.netns)
  for (const [i, { netns }] of [h1, h2].entries()) {
    ip('-n', netns, 'addr', 'add', `198.18.7.${i + 1}/24`, 'dev', `u${i + 1}`)
    ip('-n', netns, 'link', 'set', `u${i + 1}`, 'up')
    ip('-n', netns, 'route', 'add', 'default', 'via', `198.18.7.${2 - i}`)
  }
}

/** Take all down. */
export async function removeMachines(): Promise<void> {
  await Promise.all([...pinging].map((each) => each.stop()))
  for (const machine of machines) machine.run('down --purge')
  for (const netns of [...containers, ...machines.map((each) => each.netns)]) spawnSync('ip', ['netns', 'del', netns])
  rmSync(directory, { recursive: true, force: true })
}

/** The shell of a virtual machine's guest, once it is up; `sockets` gets its socket. */
export async function guestShell({ vmDir }: Machine, id: string, sockets: Socket[]): Promise<GuestShell> {
  const socket = connect(join(vmDir, id, 'console.sock'))
  sockets.push(socket)
  await once(socket, 'connect')
  const shell = new GuestShell(socket)
  await shell.alive()
  return shell
}
