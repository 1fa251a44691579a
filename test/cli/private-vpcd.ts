/**
 * A vpcd of a test's own, in a network namespace of its own, with an interface `em0` to wrap: what the tests of the
 * command run on.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Datapath } from '#datapath/datapath.ts'
import { runVpc, vpcPath, type Ran } from './run-vpc.ts'

let made = 0

function must(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

export class PrivateVpcd implements AsyncDisposable {
  readonly netns = `vpc-cli-${process.pid}-${made++}`
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-cli-'))
  readonly bpffs = `/sys/fs/bpf/${this.netns}`
  readonly socket = join(this.directory, 'run/vpcd.sock')
  #child: ChildProcess | undefined
  #log = ''

  private constructor() {}

  /** Make the namespace, with `em0` (192.0.2.1/24, MTU 1600) and its other end `wire0`, and start vpcd in it. */
  static async start(...more: string[]): Promise<PrivateVpcd> {
    const vpcd = new PrivateVpcd()
    try {
      vpcd.#makeNetwork()
      await vpcd.startDaemon(...more)
      return vpcd
    } catch (error) {
      await vpcd[Symbol.asyncDispose]()
      throw error
    }
  }

  #makeNetwork(): void {
    must('ip', 'netns', 'add', this.netns)
    const ip = (...args: string[]): string => must('ip', '-n', this.netns, ...args)
    ip('link', 'set', 'lo', 'up')
    ip('link', 'add', 'em0', 'mtu', '1600', 'type', 'veth', 'peer', 'name', 'wire0', 'mtu', '1600')
    ip('address', 'add', '192.0.2.1/24', 'dev', 'em0')
    ip('link', 'set', 'em0', 'up')
    ip('link', 'set', 'wire0', 'up')
    mkdirSync(join(this.directory, 'bin'))
    symlinkSync(vpcPath, join(this.directory, 'bin/vpc'))
  }

  get #places(): readonly string[] {
    return ['--run-dir', join(this.directory, 'run'), '--state-dir', join(this.directory, 'state'), '--bpffs', this.bpffs]
  }

  /** Start vpcd by the command itself, and wait until it answers. `more`: other options for it. */
  async startDaemon(...more: string[]): Promise<void> {
    const child = spawn('nsenter', [`--net=/run/netns/${this.netns}`, vpcPath, 'daemon', ...this.#places, '-F', 'json', ...more], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    this.#log = ''
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`vpcd ended with ${code} before it was ready:\n${this.#log}`)))
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
        if (this.#log.includes('"message":"ready"')) resolve()
      })
    })
    child.removeAllListeners('exit')
  }

  /** Stop vpcd as a service manager does. Gives its exit code. */
  async stopDaemon(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const code = await ended
    clearTimeout(timer)
    return code
  }

  /** End vpcd as nothing but a crash does. */
  async killDaemon(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await ended
  }

  /** Stop it, take it out of the kernel, and start it again: what a removal of the package and its installation do. */
  async clear(): Promise<void> {
    await this.stopDaemon()
    must('nsenter', `--net=/run/netns/${this.netns}`, vpcPath, 'daemon', '--clear', ...this.#places)
    assert.deepEqual(this.devices().sort(), ['em0', 'wire0'])
    await this.startDaemon()
  }

  /** Have nothing left of tables and programs, as after a boot. vpcd must not run. */
  forgetPins(): void {
    Datapath.destroy(this.bpffs)
  }

  /** Run `vpc ARGS` against it. */
  vpc(...args: string[]): Ran {
    return runVpc(args, { env: this.env })
  }

  /** Run it and give what it prints; it must succeed. */
  ok(...args: string[]): string {
    const { code, stdout, stderr } = this.vpc(...args)
    assert.deepEqual([code, stderr], [0, ''], `vpc ${args.join(' ')}\n${this.#log}`)
    return stdout
  }

  /** Run it, which must fail with this exit code and one line of error. Gives the line. */
  refused(code: number, ...args: string[]): string {
    const ran = this.vpc(...args)
    assert.deepEqual([ran.code, ran.stdout], [code, ''], `vpc ${args.join(' ')}\n${ran.stderr}`)
    return ran.stderr.trimEnd()
  }

  get env(): Record<string, string> {
    return { VPC_SOCKET: this.socket, PATH: `${join(this.directory, 'bin')}:${process.env['PATH']}` }
  }

  /** Names of the devices in the namespace, `lo` left out. */
  devices(): string[] {
    const links = JSON.parse(must('ip', '-n', this.netns, '-json', 'link', 'show')) as { ifname: string }[]
    return links.map(({ ifname }) => ifname).filter((name) => name !== 'lo')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopDaemon()
    spawnSync('ip', ['netns', 'del', this.netns])
    rmSync(this.bpffs, { recursive: true, force: true })
    rmSync(this.directory, { recursive: true, force: true })
  }
}
