/**
 * A lab for tests: brought up from text under a name of its own, looked into, and taken down with a check that nothing
 * is left.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceStats } from '#abi/info.ts'
import { Vpc } from '#client/vpc.ts'
import { readCounters } from '#lab/counters.ts'
import { bringDown } from '#lab/lab-down.ts'
import { bringUp } from '#lab/lab-up.ts'
import { formatMatrix, wrong } from '#lab/matrix.ts'
import { guestDevice, labDirectory, netnsPath } from '#lab/names.ts'
import { existingNetns } from '#lab/netns.ts'
import { netnsNames, type HostPlan, type LabPlan } from '#lab/plan.ts'
import type { GuestPlan } from '#lab/plan-guest.ts'
import { inNetns, run, type Finished } from '#lab/program.ts'
import { probeAll, type ProbeOptions } from '#lab/reachability.ts'
import { RawSocket, type RawSocketOptions } from './raw-socket.ts'

let made = 0

/** A name that no other test has: a letter, this process, a number. */
export const scratchName = (): string => `t${process.pid}x${made++}`

/** Two hosts of red's, three guests that speak both families; blue has the same addresses on h1 and h2. */
export const twoCustomers = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers:
  red:
    subnets:
      a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' }
      b: { vni: 5002, network: 10.0.1.0/24 }
  blue: { subnets: { a: { vni: 6001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' } } }
guests:
  red1: { host: h1, subnet: red/a, address: 10.0.0.1 }
  red2: { host: h2, subnet: red/a, address: 10.0.0.2 }
  red3: { host: h1, subnet: red/a, address: 10.0.0.3 }
  redb: { host: h2, subnet: red/b, address: 10.0.1.1 }
  blue1: { host: h1, subnet: blue/a, address: 10.0.0.1 }
  blue2: { host: h2, subnet: blue/a, address: 10.0.0.2 }
`

export class ScratchLab {
  readonly plan: LabPlan
  readonly file: string
  readonly #directory: string

  private constructor(plan: LabPlan, file: string, directory: string) {
    this.plan = plan
    this.file = file
    this.#directory = directory
  }

  /** Bring up a lab from the text of a file, without its name. */
  static async up(text: string): Promise<ScratchLab> {
    const directory = await mkdtemp(join(tmpdir(), 'vpc-lab-test-'))
    const file = join(directory, 'lab.yaml')
    try {
      await writeFile(file, `name: ${scratchName()}\n${text}`)
      return new ScratchLab((await bringUp(file)).plan, file, directory)
    } catch (error) {
      await rm(directory, { recursive: true })
      throw error
    }
  }

  get name(): string {
    return this.plan.name
  }

  guest(name: string): GuestPlan {
    const found = this.plan.guests.find((guest) => guest.name === name)
    assert.ok(found, `no guest ${name}`)
    return found
  }

  host(name: string): HostPlan {
    const found = this.plan.hosts.find((host) => host.name === name)
    assert.ok(found, `no host ${name}`)
    return found
  }

  /** A guest's or host's namespace. */
  netns(name: string): string {
    return `${this.plan.name}-${name}`
  }

  /** The vpcd of a host. */
  vpc(host: string): Vpc {
    return new Vpc({ socketPath: this.host(host).socket, timeoutMs: 10_000 })
  }

  /** Run a program in a guest or host. */
  run(where: string, ...argv: string[]): Promise<Finished> {
    return run(inNetns(netnsPath(this.netns(where)), argv), { timeoutMs: 60_000, env: { LC_ALL: 'C' } })
  }

  /** Run a program in a guest or host that must succeed, and return its output. */
  async must(where: string, ...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(where, ...argv)
    assert.equal(code, 0, `${where}: ${argv.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  /** A raw socket on a guest's interface, or on another device of a host. */
  raw(where: string, device: string = guestDevice, options: RawSocketOptions = {}): RawSocket {
    return RawSocket.open(this.netns(where), device, options)
  }

  /** Whether a host keeps all but its mux from sending to VTEPs; while it does not, tests can send. */
  async setExclusive(host: string, exclusive: boolean): Promise<void> {
    await using mux = await this.vpc(host).openMux(this.host(host).muxId, { write: true })
    await mux.setExclusive(exclusive)
  }

  /** The counters of the port of a guest. */
  async portStats(guest: string): Promise<SourceStats> {
    const { host, portId } = this.guest(guest)
    return this.#stats(host, portId)
  }

  /** The counters of the mux of a host. */
  muxStats(host: string): Promise<SourceStats> {
    return this.#stats(host, this.host(host).muxId)
  }

  async #stats(host: string, id: string): Promise<SourceStats> {
    await using mgmt = await this.vpc(host).mgmt()
    const found = (await mgmt.stats()).find((source) => source.id === id)
    assert.ok(found, `host ${host} has no counters of ${id}`)
    return found
  }

  /** Fail when guests do not reach each other as they should: with the matrix, and what every host counted. */
  async assertReachability(options: ProbeOptions = {}): Promise<void> {
    // A busy machine takes its time with an answer that comes.
    const probes = await probeAll(this.plan.guests, { expectedSeconds: 5, ...options })
    if (wrong(probes).length === 0) return
    const names = this.plan.guests.map(({ name }) => name)
    const counters = (await readCounters(this.plan)).map((host) => JSON.stringify(host))
    assert.fail(`${formatMatrix(names, probes)}\n${counters.join('\n')}`)
  }

  /** The log of a host's vpcd. */
  log(host: string): Promise<string> {
    return readFile(this.host(host).log, 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await bringDown(this.plan.name)
    await rm(this.#directory, { recursive: true, force: true })
    await assertGone(this.plan)
  }
}

/** Fail when anything of a lab is still there. */
export async function assertGone(plan: LabPlan): Promise<void> {
  assert.deepEqual(existingNetns(netnsNames(plan)), [])
  assert.equal(existsSync(labDirectory(plan.name)), false)
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  assert.ok(!mounts.includes(`${labDirectory(plan.name)}/`), 'a mount of the lab is left')
  const { stdout } = await run(['ps', '-eo', 'pid,args'])
  const left = stdout
    .split('\n')
    .filter((line) => line.includes(`${labDirectory(plan.name)}/`) || line.includes(`/run/netns/${plan.name}-`))
  assert.deepEqual(left, [])
}
