/**
 * An etcd cluster of three members for tests, with TLS and users. Each member runs in a network namespace of its own,
 * joined by a bridge in the test's; so a test can kill it, stop it, or cut it off.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '#control/store/etcd/cluster.ts'
import { permission } from '#control/store/etcd/messages.ts'
import type { StoreLocation } from '#control/store/location.ts'
import { Authority } from './certificates.ts'

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })

/** What can happen to a member. */
export type Harm = 'killed' | 'stopped' | 'cut off' | 'alone'

interface MemberOfTest {
  readonly address: string
  readonly namespace: string
  readonly link: string
  readonly start: () => ChildProcess
  process: ChildProcess
}

export class EtcdCluster implements AsyncDisposable {
  readonly #directory = mkdtempSync('/dev/shm/vpc-etcd-')
  readonly #bridge = `vpcetcd${process.pid % 100_000}`
  readonly #authority = new Authority(this.#directory)
  readonly #user = this.#authority.issue('vpc-api')
  readonly #stranger = this.#authority.issue('somebody')
  readonly #root = this.#authority.issue('root')
  readonly members: MemberOfTest[] = []
  #more: readonly string[] = []

  /** Start three members, and give the user `vpc-api` a role on /vpc1/. */
  static async start(): Promise<EtcdCluster> {
    const cluster = new EtcdCluster()
    try {
      cluster.#lay()
      await cluster.#makeUsers()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The store at a prefix, for the user with the role, or one without. */
  location(prefix: string, who: 'user' | 'stranger' | 'root' = 'user'): StoreLocation & { readonly kind: 'etcd' } {
    const credentials = { user: this.#user, stranger: this.#stranger, root: this.#root }[who]
    return { kind: 'etcd', endpoints: this.members.map(({ address }) => `${address}:2379`), prefix, credentials }
  }

  #lay(): void {
    run('ip', 'link', 'add', this.#bridge, 'type', 'bridge')
    run('ip', 'address', 'add', '10.98.7.254/24', 'dev', this.#bridge)
    run('ip', 'link', 'set', this.#bridge, 'up')
    const addresses = [1, 2, 3].map((n) => `10.98.7.${n}`)
    const peers = addresses.map((address, n) => `m${n}=https://${address}:2380`).join(',')
    for (const [n, address] of addresses.entries()) this.#layMember(n, address, peers)
  }

  #layMember(n: number, address: string, peers: string): void {
    const [namespace, link] = [`${this.#bridge}-${n}`, `${this.#bridge}${n}`]
    run('ip', 'netns', 'add', namespace)
    run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    run('ip', 'link', 'set', link, 'master', this.#bridge, 'up')
    run('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
    run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
    const { cert, key } = this.#authority.issue(`m${n}`, [address, '127.0.0.1'])
    const data = join(this.#directory, `m${n}`)
    mkdirSync(data, { mode: 0o700 })
    const tls = ['', 'peer-'].flatMap((kind) => [
      `--${kind}cert-file=${cert}`,
      `--${kind}key-file=${key}`,
      `--${kind}trusted-ca-file=${this.#authority.ca}`,
      `--${kind}client-cert-auth`,
    ])
    const urls = [`--advertise-client-urls=https://${address}:2379`, `--initial-advertise-peer-urls=https://${address}:2380`]
    const listen = [`--listen-client-urls=https://${address}:2379`, `--listen-peer-urls=https://${address}:2380`]
    const of = [`--name=m${n}`, `--data-dir=${data}`, `--initial-cluster=${peers}`, '--initial-cluster-state=new']
    const quick = ['--heartbeat-interval=50', '--election-timeout=400', '--enable-grpc-gateway=false', '--log-level=warn']
    const start = (): ChildProcess => {
      const log = openSync(join(this.#directory, `m${n}.log`), 'a')
      const args = [`--net=/run/netns/${namespace}`, 'etcd', ...of, ...urls, ...listen, ...tls, ...quick, ...this.#more]
      return spawn('nsenter', args, { stdio: ['ignore', log, log], env: { PATH: process.env['PATH'], GOMAXPROCS: '1' } })
    }
    this.members.push({ address, namespace, link, start, process: start() })
  }

  async #makeUsers(): Promise<void> {
    const { endpoints, credentials } = this.location('/', 'root')
    const cluster = new Cluster(endpoints, credentials, { tryMs: 3000, callMs: 15_000, askEveryMs: 2000 })
    const ask: Cluster['once'] = (name, request) => cluster.ask(name, (member, deadlineMs) => member.call(name, request, deadlineMs))
    try {
      await ask('range', { key: Buffer.from('/') })
      await ask('userAdd', { name: 'root', options: { no_password: true } })
      await ask('userGrantRole', { user: 'root', role: 'root' })
      await ask('roleAdd', { name: 'vpc' })
      const perm = { permType: permission.readWrite, key: Buffer.from('/vpc1/'), range_end: Buffer.from('/vpc10') }
      await ask('roleGrantPermission', { name: 'vpc', perm })
      await ask('userAdd', { name: 'vpc-api', options: { no_password: true } })
      await ask('userGrantRole', { user: 'vpc-api', role: 'vpc' })
      await ask('userAdd', { name: 'somebody', options: { no_password: true } })
      await ask('authEnable', {})
    } finally {
      cluster.close()
    }
  }

  /** The number of the member that leads. */
  async leader(): Promise<number> {
    const { endpoints, credentials } = this.location('/', 'root')
    const cluster = new Cluster(endpoints, credentials, { tryMs: 1000, callMs: 1000, askEveryMs: 2000 })
    try {
      for (;;) {
        const answers = await Promise.all(cluster.members.map((member) => member.call('status', {}, 1000).catch(() => undefined)))
        const found = answers.findIndex(
          (answer) => answer !== undefined && answer.leader.toString() === answer.header!.member_id.toString(),
        )
        if (found >= 0) return found
        await sleep(50)
      }
    } finally {
      cluster.close()
    }
  }

  /** Does the member answer, and does it follow the others? */
  async isWell(n: number): Promise<boolean> {
    const { endpoints, credentials } = this.location('/', 'root')
    const cluster = new Cluster([endpoints[n]!], credentials, { tryMs: 500, callMs: 500, askEveryMs: 2000 })
    try {
      return (await cluster.once('range', { key: Buffer.from('/') })).header !== null
    } catch {
      return false
    } finally {
      cluster.close()
    }
  }

  /** Harm a member. Gives the function that heals it. */
  async harm(n: number, how: Harm): Promise<() => Promise<void>> {
    const member = this.members[n]!
    switch (how) {
      case 'killed':
        await end(member.process)
        return async () => void (member.process = member.start())
      case 'stopped':
        member.process.kill('SIGSTOP')
        return async () => void member.process.kill('SIGCONT')
      case 'cut off':
        run('ip', 'link', 'set', member.link, 'down')
        return async () => run('ip', 'link', 'set', member.link, 'up')
      case 'alone': {
        // The others do not reach it, but we do.
        const others = this.members.filter((other) => other !== member).map(({ address }) => ['blackhole', `${address}/32`])
        for (const route of others) run('ip', '-n', member.namespace, 'route', 'add', ...route)
        return async () => {
          for (const route of others) run('ip', '-n', member.namespace, 'route', 'delete', ...route)
        }
      }
    }
  }

  /** Delete what is below a prefix, as etcdctl does: an etcd without room takes that. */
  async deleteAll(prefix: string): Promise<void> {
    const { endpoints, credentials } = this.location('/', 'root')
    const cluster = new Cluster(endpoints, credentials, { tryMs: 3000, callMs: 15_000, askEveryMs: 2000 })
    const request = { key: Buffer.from(prefix), range_end: Buffer.from(`${prefix.slice(0, -1)}0`) }
    await cluster.ask('delete', (member, deadlineMs) => member.call('deleteRange', request, deadlineMs)).finally(() => cluster.close())
  }

  /** Start all members anew, with further options. */
  async restart(more: readonly string[]): Promise<void> {
    await Promise.all(this.members.map((member) => end(member.process)))
    this.#more = more
    for (const member of this.members) member.process = member.start()
  }

  /** What the members have written to their logs. */
  logs(): string {
    return this.members.map((_, n) => readFileSync(join(this.#directory, `m${n}.log`), 'utf8')).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => end(member.process)))
    for (const { namespace } of this.members) run('ip', 'netns', 'delete', namespace)
    run('ip', 'link', 'delete', this.#bridge)
    rmSync(this.#directory, { recursive: true })
  }
}

/** End a member; nsenter becomes etcd, so it is our child. */
async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const exited = once(process, 'exit')
  process.kill('SIGKILL')
  await exited
}
