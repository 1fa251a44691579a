/** A dockerd of a test's own, with the driver `vpc` for its networks. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Machine, type Ran, until } from '../cli/machines.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { makeTarball } from './image.ts'

/** Docker looks there alone. */
const pluginSocket = '/run/docker/plugins/vpc.sock'

export class Docker {
  readonly directory: string
  readonly #machine: Machine
  #dockerd: ChildProcess | undefined
  #driver: ChildProcess | undefined

  constructor(machine: Machine) {
    this.#machine = machine
    this.directory = join(machine.directory, 'docker')
    mkdirSync(this.directory)
  }

  get #socket(): string {
    return join(this.directory, 'docker.sock')
  }

  get log(): string {
    return ['dockerd.log', 'driver.log'].map((name) => readFileSync(join(this.directory, name), 'utf8')).join('\n')
  }

  #spawn(name: string, ...command: string[]): ChildProcess {
    const log = openSync(join(this.directory, `${name}.log`), 'a')
    const env = {
      ...process.env,
      VPC_SOCKET: join(this.#machine.directory, 'run/vpcd.sock'),
      XDG_CONFIG_HOME: join(this.#machine.directory, 'config'),
    }
    return spawn('nsenter', [`--net=/run/netns/${this.#machine.netns}`, ...command], { stdio: ['ignore', log, log], env })
  }

  /** Start it, and wait until it answers. */
  async start(): Promise<void> {
    const quiet = [
      '--iptables=false',
      '--ip6tables=false',
      '--ip-masq=false',
      '--ip-forward=false',
      '--bridge=none',
      '--userland-proxy=false',
    ]
    const places = [`--data-root=${this.directory}/data`, `--exec-root=${this.directory}/exec`, `--pidfile=${this.directory}/pid`]
    const how = ['--storage-driver=vfs', '--exec-opt=native.cgroupdriver=cgroupfs', `--host=unix://${this.#socket}`]
    this.#dockerd = this.#spawn('dockerd', 'dockerd', ...quiet, ...places, ...how)
    await until('dockerd answers', () => existsSync(this.#socket) && this.run('version').code === 0)
  }

  /** Start the driver as root does by hand. */
  async startDriver(...options: string[]): Promise<void> {
    this.#driver = this.#spawn('driver', vpcPath, 'docker-driver', `--state-dir=${this.directory}/driver`, ...options)
    await until('the driver listens', () => existsSync(pluginSocket))
  }

  /** The driver as a service: a user without rights, whose socket the service manager has opened. */
  async startDriverAs(user: string, ...options: string[]): Promise<void> {
    // As docker makes it, unless it was told of another place.
    mkdirSync('/run/docker/plugins', { recursive: true })
    chmodSync('/run/docker', 0o700)
    const state = join(this.directory, 'service')
    mkdirSync(state)
    chownSync(state, Number(user), Number(user))
    chmodSync(this.directory, 0o755)
    const service = [
      'setpriv',
      `--reuid=${user}`,
      `--regid=${user}`,
      '--clear-groups',
      vpcPath,
      'docker-driver',
      `--state-dir=${state}`,
      ...options,
    ]
    this.#driver = this.#spawn(
      'driver',
      'systemd-socket-activate',
      `--listen=${pluginSocket}`,
      '-E',
      'VPC_SOCKET',
      '-E',
      'PATH',
      ...service,
    )
    await until('its socket is there', () => existsSync(pluginSocket))
  }

  /** Ask the driver, as dockerd does. */
  ask(method: string, request: object): Record<string, string> {
    const words = ['--silent', '--max-time', '60', '--noproxy', '*', '--unix-socket', pluginSocket, '--data', JSON.stringify(request)]
    return JSON.parse(execFileSync('curl', [...words, `http://vpc/${method}`], { encoding: 'utf8' })) as Record<string, string>
  }

  /** The vnics that docker has asked for, and that no endpoint has yet. */
  get askedFor(): string[] {
    return readdirSync(join(this.directory, 'driver/asked'))
  }

  importImage(): void {
    this.ok('import', makeTarball(this.directory), 'box')
  }

  run(...args: string[]): Ran {
    const env = { PATH: process.env.PATH, DOCKER_HOST: `unix://${this.#socket}`, DOCKER_CONFIG: join(this.directory, 'config') }
    const { status, stdout, stderr } = spawnSync('/usr/bin/docker', args, { encoding: 'utf8', env, timeout: 90_000 })
    return { code: status, out: stdout, err: stderr }
  }

  /** The same; it must succeed. Gives what it prints. */
  ok(...args: string[]): string {
    const { code, out, err } = this.run(...args)
    assert.equal(code, 0, `docker ${args.join(' ')}: ${out}${err}\n${this.log.slice(-3000)}`)
    return out.trim()
  }

  /** Remove all containers: what they mount keeps the directory. */
  removeAll(): void {
    const all = this.run('ps', '--all', '--quiet')
      .out.split('\n')
      .filter((id) => id !== '')
    if (all.length > 0) this.run('rm', '--force', ...all)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await end(this.#dockerd, signal)
    if (signal !== 'SIGTERM') return
    // One that was killed left a mount, and its successor took one of both along.
    for (const path of mountsBelow(this.directory)) spawnSync('umount', ['--lazy', path])
  }

  async stopDriver(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await end(this.#driver, signal)
  }
}

const mountsBelow = (directory: string): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(directory))
    .toReversed()

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
