/** Hosts with real vpcds and real agents on one underlay, on which the test's own API listens. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentReport } from '#feed/message.ts'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { runVpc, type Ran } from '../cli/run-vpc.ts'
import { FeedServer } from './feed-server.ts'
import { unitId } from '#agent/compile/ids.ts'
import { hostId, underlayOf, vnicItem } from './cloud.ts'

const bin = new URL('../../bin/vpc.mjs', import.meta.url).pathname
/** Users without any privilege: nobody, and no member of a group of vpcd. */
const [user, group] = [65534, 65534]

/** Compiled modules of that user: Node keeps them by user, and may write where it may. */
const compiled = process.env['NODE_COMPILE_CACHE'] && join(process.env['NODE_COMPILE_CACHE'], `of-${user}`)
if (compiled) {
  mkdirSync(compiled, { recursive: true, mode: 0o700 })
  chownSync(compiled, user, group)
}
const env = { ...process.env, ...(compiled && { NODE_COMPILE_CACHE: compiled }) }

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env })

/** Wait until something holds. */
export async function until<T>(what: string, find: () => T | undefined | false | Promise<T | undefined | false>, seconds = 20): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const found = await find()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(20)
  }
}

/** The rules of docs/agent.md, for another user. */
function policy(): string {
  const page = readFileSync(new URL('../../docs/agent.md', import.meta.url), 'utf8')
  const [, rules = ''] = /```yaml\n(rules:[^`]*)```/.exec(page) ?? []
  return rules.replace('vpc-agent', String(user))
}

export class AgentHost {
  readonly n: number
  readonly host: TestHost
  readonly agentDir: string
  readonly #api: FeedServer
  #daemon: Daemon | undefined
  #agent: ChildProcess | undefined
  readonly agentLog: string[] = []

  constructor(n: number, host: TestHost, api: FeedServer) {
    this.n = n
    this.host = host
    this.#api = api
    chmodSync(host.directory, 0o755)
    this.agentDir = join(host.directory, 'agent')
    mkdirSync(this.agentDir)
    chownSync(this.agentDir, user, group)
    writeFileSync(join(host.directory, 'policy.yaml'), policy())
  }

  get id(): string {
    return hostId(this.n)
  }

  /** The last report of its agent. */
  get report(): AgentReport | undefined {
    return this.#api.reports.get(this.id)
  }

  async startVpcd(): Promise<void> {
    this.#daemon = await this.host.start({ args: ['--policy', join(this.host.directory, 'policy.yaml')] })
  }

  async killVpcd(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill(this.#daemon!.pid, signal)
    await this.#daemon!.ended
  }

  /** How a command runs on this host as a user without any privilege. */
  get #enter(): string[] {
    const drop = [`--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
    return [`--net=/run/netns/${this.host.netns}`, 'setpriv', ...drop, process.execPath, bin, '--socket', this.host.socketPath]
  }

  /** Run `vpc ARGS` on this host as the user of the agent. */
  asAgent(...args: string[]): string {
    return run('nsenter', ...this.#enter, ...args)
  }

  /** Start the agent: with the test's own API, or with that which the host has joined. */
  startAgent({ joined = false } = {}): void {
    const server = joined ? [] : ['--server', this.#api.urlOf(this.id)]
    const args = ['-F', 'json', 'agent', 'run', '--state-dir', this.agentDir, '--reconnect-within', '0', ...server]
    const child = spawn('nsenter', [...this.#enter, ...args], { stdio: ['ignore', 'inherit', 'pipe'], env })
    createInterface({ input: child.stderr }).on('line', (line) => this.agentLog.push(line))
    this.#agent = child
  }

  get agentPid(): number {
    return this.#agent!.pid!
  }

  /** End the agent. Gives its exit code. */
  async killAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const agent = this.#agent
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return agent?.exitCode ?? null
    agent.kill(signal)
    const [code] = (await once(agent, 'exit')) as [number | null]
    return code
  }

  /** Whether its agents have logged something. */
  says(what: string): boolean {
    return this.agentLog.some((line) => line.includes(what))
  }

  /** Have the agent start without its cache. It must not run. */
  loseCache(): void {
    for (const end of ['', '-wal', '-shm']) rmSync(join(this.agentDir, `cache.db${end}`), { force: true })
  }

  /** Run `vpc ARGS` against its vpcd. */
  vpc(...args: string[]): Ran {
    return runVpc(args, { env: { VPC_SOCKET: this.host.socketPath } })
  }

  /** The same; it must succeed. Gives what it prints. */
  ok(...args: string[]): string {
    const { code, stdout, stderr } = this.vpc(...args)
    if (code !== 0) throw new Error(`vpc ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** Names of hostifs by their ids. */
  units(): ReadonlyMap<string, string> {
    const hostifs = JSON.parse(this.ok('hostif', 'list', '--json')) as { readonly id: string; readonly unit: string }[]
    return new Map(hostifs.map(({ id, unit }) => [id, unit]))
  }

  /** Have a hostif of a vnic in a namespace of its own, with an address. Gives the way to run commands there. */
  guest(vnic: number): (...command: string[]) => string {
    const enter = this.host.guest(`g${vnic}`, this.units().get(unitId(vnicItem(vnic)))!, `10.0.0.${vnic}/24`)
    return enter
  }
}

export class Scene implements AsyncDisposable {
  readonly api = new FeedServer('192.0.2.254')
  readonly hosts: AgentHost[] = []
  readonly #made: TestHost[] = []

  /** Hosts 1 to `count`, with vpcd and nothing else, and the API. `beside`: done while their vpcds start. */
  static async start(count: number, beside: () => Promise<void> = async () => {}): Promise<Scene> {
    const scene = new Scene()
    try {
      // Its own MAC: else it takes a port's, and has another one when that port goes.
      run('ip', 'link', 'add', 'fabric', 'address', '02:00:00:00:fa:b0', 'mtu', '1600', 'type', 'bridge')
      run('ip', 'address', 'add', '192.0.2.254/24', 'dev', 'fabric')
      run('ip', 'link', 'set', 'fabric', 'up')
      await scene.api.start()
      await Promise.all([beside(), ...Array.from({ length: count }, (_, i) => scene.#host(i + 1))])
      scene.hosts.sort((a, b) => a.n - b.n)
      return scene
    } catch (error) {
      await scene[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A host anew, with nothing but what its agent has on its disk. */
  async reboot(before: AgentHost): Promise<AgentHost> {
    await before.killAgent()
    const kept = join(before.host.directory, '..', `${before.host.netns}-kept`)
    cpSync(before.agentDir, kept, { recursive: true })
    run('ip', 'link', 'del', `far${before.n}`)
    await before.host[Symbol.asyncDispose]()
    this.#made.splice(this.#made.indexOf(before.host), 1)
    const host = await this.#host(before.n)
    cpSync(kept, host.agentDir, { recursive: true })
    rmSync(kept, { recursive: true })
    for (const name of readdirSync(host.agentDir)) chownSync(join(host.agentDir, name), user, group)
    this.hosts.splice(this.hosts.indexOf(before), 1)
    return host
  }

  async #host(n: number): Promise<AgentHost> {
    const host = TestHost.create()
    this.#made.push(host)
    host.ip('address', 'flush', 'dev', 'wan')
    host.ip('address', 'add', `${underlayOf(n)}/24`, 'dev', 'wan')
    host.ip('link', 'set', 'wan-far', 'netns', String(process.pid), 'name', `far${n}`)
    run('ip', 'link', 'set', `far${n}`, 'master', 'fabric', 'up')
    const agentHost = new AgentHost(n, host, this.api)
    this.hosts.push(agentHost)
    await agentHost.startVpcd()
    return agentHost
  }

  /** Wait until the agents of hosts have done a revision. */
  async done(revision: string, hosts: readonly AgentHost[] = this.hosts, seconds = 20): Promise<void> {
    const late = (): AgentHost[] => hosts.filter(({ report }) => Number(report?.revision ?? 0) < Number(revision))
    try {
      await until(`revision ${revision} on all hosts`, () => late().length === 0, seconds)
    } catch (error) {
      const logs = late().map(({ n, agentLog }) => `host ${n}:\n${agentLog.slice(-20).join('\n')}`)
      throw new Error(`${(error as Error).message}\n${logs.join('\n')}`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.killAgent()))
    await this.api[Symbol.asyncDispose]()
    await Promise.all(this.#made.map((host) => host[Symbol.asyncDispose]()))
    run('ip', 'link', 'del', 'fabric')
  }
}
