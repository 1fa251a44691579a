/**
 * How long a change of the model takes to the last host that it concerns:
 * `node bench/cloud/scale.ts [--hosts N] [--addresses N] [--spread N] [--tls N] [--json FILE]`. API, store and agents
 * are the real ones; a vpcd in memory takes each host's documents, so that a thousand fit into one machine. Times are
 * from the API's answer to the moment when the last host's vpcd has the change.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Counters } from '#control/feed/counters.ts'
import { Exceptions } from '#control/feed/exceptions.ts'
import type { Feeds } from '#control/feed/feeds.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import { TestAgents } from '../../test/control/agents/test-agents.ts'
import { watched, type FromAgents, type ToAgents } from './agents.ts'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    addresses: { type: 'string', default: '100000' },
    processes: { type: 'string', default: '8' },
    tls: { type: 'string', default: '100' },
    spread: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const [hosts, addresses, processes, withTls] = [values.hosts, values.addresses, values.processes, values.tls].map(Number) as [
  number,
  number,
  number,
  number,
]
/** Vnics of a vpc, and hosts that have them. */
const vpcSize = 1000
const hostsOfVpc = Number(values.spread)
const atOnce = 64

const now = (): number => performance.timeOrigin + performance.now()
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
const rounded = (value: number): number => Math.round(value * 10) / 10

/** Do something for each, some at once. */
async function each<T>(items: readonly T[], act: (item: T, i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let i = next++; i < items.length; i = next++) await act(items[i]!, i)
    }),
  )
}

/** A table's lines: what was measured, and its quantiles in ms. */
const results: { readonly what: string; readonly p50: number; readonly p99: number; readonly most: number; readonly count: number }[] = []
function note(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const line = {
    what,
    p50: rounded(quantile(sorted, 0.5)),
    p99: rounded(quantile(sorted, 0.99)),
    most: rounded(sorted.at(-1)!),
    count: times.length,
  }
  results.push(line)
  say(`${what}: p50 ${line.p50} ms, p99 ${line.p99} ms, most ${line.most} ms (${line.count})`)
}

class Fleet implements AsyncDisposable {
  readonly children: ChildProcess[]
  readonly memory = new Map<ChildProcess, number>()
  #seen = new Map<string, { left: Set<string>; last: number; resolve: (at: number) => void }>()

  constructor(count: number) {
    this.children = Array.from({ length: count }, () => {
      const child = fork(new URL('agents.ts', import.meta.url), { serialization: 'json' })
      child.on('message', (message: FromAgents) => this.#hear(child, message))
      return child
    })
  }

  #hear(child: ChildProcess, message: FromAgents): void {
    if (message.kind === 'memory') this.memory.set(child, message.bytes)
    if (message.kind !== 'seen') return
    const waiting = this.#seen.get(`${message.what} ${message.mac}`)
    if (waiting === undefined || !waiting.left.delete(message.host)) return
    waiting.last = Math.max(waiting.last, message.at)
    if (waiting.left.size === 0) waiting.resolve(waiting.last)
  }

  /** When the last of these hosts has done something with a MAC address. */
  saw(what: 'set' | 'removed', mac: string, on: Iterable<string>): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    const left = new Set(on)
    if (left.size === 0) resolve(0)
    this.#seen.set(`${what} ${mac}`, { left, last: 0, resolve })
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) child.send({ kind: 'stop' } satisfies ToAgents)
    await Promise.all(
      this.children.map((child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(0)))),
    )
  }
}

/** The routes of agents without TLS, by the host's id in the path. */
function plainServer(routes: ReturnType<typeof feedRoutes>): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const [, host = '', rest = ''] = /^\/([0-9a-f-]{36})(\/.*)$/.exec(url.pathname) ?? []
    const handler = routes[`${request.method} ${rest}`]
    if (handler === undefined) return void response.writeHead(404).end()
    const ended = new AbortController()
    void handler({ host, url, request, response, ended: ended.signal }).catch((error: unknown) => {
      say(`a request of an agent failed: ${String(error)}`)
      response.destroy()
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

let made: ReturnType<typeof feedRoutes>
let feeds!: Feeds
let exceptions!: Exceptions
await using agents = await TestAgents.start(({ model, feeds: ofApi }) => {
  const { mirror } = model
  feeds = ofApi
  exceptions = new Exceptions(mirror, model.store)
  return (made = feedRoutes({ feeds, mirror, exceptions, counters: new Counters(mirror), now: Date.now }))
})
const { api } = agents
const { mirror } = api.model
const plain = await plainServer(made!)
const port = (plain.address() as { port: number }).port

say(`${hosts} hosts, ${addresses} addresses`)
await api.ok('POST', '/orgs', { name: 'acme' })
const quotas = { vpc: 100_000, vnic: 10_000_000, subnet: 100_000 }
await api.ok('POST', '/accounts', { name: 'shop', org: 'acme', quotas })
const secure = await Promise.all(Array.from({ length: Math.min(withTls, hosts) }, (_, i) => agents.host(`h${i}`)))
const others = Array.from({ length: hosts - secure.length }, (_, i) => i + secure.length)
const ids: string[] = secure.map(({ id }) => id)
await each(others, async (i) => void (ids[i] = (await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', capacity: 65_536 })).id))
await each(ids, (id, i) =>
  api.ok('PATCH', `/hosts/${id}`, { capacity: 65_536, underlay: [{ address: `100.64.${i >> 8}.${i & 255}` }] }, { 'if-match': '*' }),
)
const vpcs = Array.from({ length: Math.ceil(addresses / vpcSize) }, (_, i) => i)
/** The hosts of a vpc. */
const hostOf = (vpc: number, n: number): string => ids[(vpc * 7 + (n % Math.min(hostsOfVpc, hosts))) % hosts]!
const subnets: string[] = []
const begin = now()
await each(vpcs, async (vpc) => {
  const { id } = await api.ok('POST', '/vpcs', { name: `v${vpc}`, account: 'shop', resolution: 'push' })
  subnets[vpc] = (await api.ok('POST', '/subnets', { name: 'web', vpc: id, network4: '10.0.0.0/16' })).id
})
const vnics = Array.from({ length: addresses }, (_, i) => i)
const vnicIds: string[] = []
await each(
  vnics,
  async (i) => void (vnicIds[i] = (await api.ok('POST', '/vnics', { account: 'shop', subnet: subnets[Math.floor(i / vpcSize)] })).id),
)
const created = now()
await each(vnics, (i) => api.ok('PUT', `/vnics/${vnicIds[i]}/binding`, { host: hostOf(Math.floor(i / vpcSize), i) }))
say(`created in ${rounded((created - begin) / 1000)} s, plugged in in ${rounded((now() - created) / 1000)} s`)

/** Until these hosts have acknowledged what there is now. Those that nothing concerns hear of it with the next ping. */
async function settled(concerned: readonly string[] = ids): Promise<number> {
  const revision = mirror.revision
  const start = now()
  while (!concerned.every((id) => (mirror.hosts.get(id)?.acked ?? -1) >= revision)) await new Promise((resolve) => setTimeout(resolve, 20))
  return now() - start
}

await using fleet = new Fleet(processes)
for (const [n, child] of fleet.children.entries()) {
  const own = ids.flatMap((id, i) => {
    if (i % processes !== n) return []
    const identity = secure[i]
    if (identity === undefined) return [{ id, server: { url: `http://127.0.0.1:${port}/${id}` } }]
    const key = identity.key.export({ type: 'pkcs8', format: 'pem' }) as string
    const tls = { ca: agents.authority.certificate, cert: identity.certificate, key }
    return [{ id, server: { url: `https://127.0.0.1:${agents.server.port}`, tls } }]
  })
  child.send({ kind: 'start', hosts: own } satisfies ToAgents)
}
say(`all hosts, cold: ${rounded((await settled()) / 1000)} s`)

const macOf = (n: number): string => `${watched}00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
const hostsOfVpcNow = (vpc: number): string[] => [...new Set(Array.from({ length: hostsOfVpc }, (_, n) => hostOf(vpc, n)))]
const rounds = 100
const [fresh, moved, removed] = [[] as number[], [] as number[], [] as number[]]
for (let i = 0; i < rounds; i++) {
  const vpc = (i * 13) % vpcs.length
  const [mac, on] = [macOf(i), hostsOfVpcNow(vpc)]
  const { id } = await api.ok('POST', '/vnics', { account: 'shop', subnet: subnets[vpc], mac })
  const measure = async (what: 'set' | 'removed', concerned: string[], change: () => Promise<unknown>): Promise<number> => {
    const seen = fleet.saw(what, mac, concerned)
    await change()
    const answered = now()
    return Math.max(0, (await seen) - answered)
  }
  const bind = (host: string) => () => api.ok('PUT', `/vnics/${id}/binding`, { host })
  fresh.push(await measure('set', on.slice(1), bind(on[0]!)))
  moved.push(
    await measure(
      'set',
      on.filter((host) => host !== on[1] && host !== on[0]),
      bind(on[1]!),
    ),
  )
  await settled(on)
  removed.push(
    await measure(
      'removed',
      on.filter((host) => host !== on[1]),
      () => api.ok('DELETE', `/vnics/${id}/binding`),
    ),
  )
}
note('a new vnic', fresh)
note('a moved vnic', moved)
note('a removed vnic', removed)

/** All vnics of one host go to others. */
const leaving = [...mirror.objects.usersOf(ids[0]!)].filter(({ record }) => record.binding?.host === ids[0]).slice(0, 1000)
const evacuation = now()
await each(leaving, ({ record }, i) => api.ok('PUT', `/vnics/${record.id}/binding`, { host: ids[1 + (i % (hosts - 1))] }))
const answeredAt = now()
// Others hear of the revision with the next ping, seconds later.
await settled([...new Set(leaving.flatMap(({ record }) => [...feeds.places.hostsOf(record.vpc!)]))])
say(
  `${leaving.length} vnics of one host moved: answers ${rounded(answeredAt - evacuation)} ms, the last host ${rounded(now() - answeredAt)} ms later`,
)

// All without TLS lose their connection at once, and come back when they like, within five seconds.
const reconnect = now()
plain.closeAllConnections()
await new Promise((resolve) => setTimeout(resolve, 100))
await api.ok('PATCH', `/hosts/${ids[0]}`, { description: 'again' }, { 'if-match': '*' })
while (feeds.connected.size < hosts) await new Promise((resolve) => setTimeout(resolve, 20))
await settled()
const back = now() - reconnect
say(`all agents are back after ${rounded(back / 1000)} s`)

await new Promise((resolve) => setTimeout(resolve, 1500))
const memory = {
  apiMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  agentMiB: rounded([...fleet.memory.values()].reduce((sum, bytes) => sum + bytes, 0) / hosts / 2 ** 20),
}
say(`memory: API ${memory.apiMiB} MiB; an agent ${memory.agentMiB} MiB of its process, ${Math.round(hosts / processes)} in each`)
plain.closeAllConnections()
plain.close()
feeds.stop()
exceptions.stop()
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ date: new Date().toISOString(), hosts, addresses, results, reconnectMs: Math.round(back), ...memory }, null, 2)}\n`,
  )
