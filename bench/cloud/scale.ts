/**
 * How long a change of the model takes to the last host that it concerns:
 * `node bench/cloud/scale.ts [--hosts N] [--addresses N] [--spread N] [--tls N] [--processes N] [--connected N]
 * [--json FILE]`. API, store and agents are the real ones; a vpcd in memory takes each host's documents, so that a
 * thousand fit into one machine; `connected` of them, if all are too many. Prints the tables of docs/performance.md.
 */
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { pingEveryMs } from '#feed/message.ts'
import { watched } from './agents.ts'
import { coldStart, writeCheckpoint } from './cold-api.ts'
import { each, hostNumber, madeElsewhere } from './made-store.ts'
import { markdown, type Figure } from './rows.ts'
import { now, quantile, rounded, say, Scene, type Took } from './scene.ts'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    addresses: { type: 'string', default: '100000' },
    members: { type: 'string', default: '10000' },
    processes: { type: 'string', default: '8' },
    tls: { type: 'string', default: '100' },
    spread: { type: 'string', default: '20' },
    evacuated: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '100' },
    /** 0: all. */
    connected: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
})
const { json, ...texts } = values
const { hosts, addresses, members, processes, tls, spread, evacuated, rounds, connected } = Object.fromEntries(
  Object.entries(texts).map(([name, text]) => [name, Number(text)]),
) as Record<keyof typeof texts, number>

const figures: Figure[] = []
const note = (what: string, value: number, unit: string, goal: number | null = null): void => {
  figures.push({ what, value, unit, goal })
  say(`${what}: ${value} ${unit}`)
}
const seconds = (ms: number): number => rounded(ms / 1000)

using made = await madeElsewhere({ hosts, addresses, spread, members })
for (const how of ['whole', 'checkpoint'] as const) {
  if (how === 'checkpoint') note('processor time to write a checkpoint', seconds(await writeCheckpoint(made.directory)), 's')
  const cold = await coldStart(made.directory, how)
  const from = how === 'whole' ? 'without a checkpoint' : 'from a checkpoint'
  note(`cold start of an API ${from}`, seconds(cold.ms), 's')
  note('its processor time', seconds(cold.cpuMs), 's', how === 'whole' ? null : 5)
  note(`API with ${addresses} addresses, no host connected: resident`, cold.residentMiB, 'MiB', 1536)
  note('of that in use by the heap', cold.heapMiB, 'MiB')
}

const up = connected === 0 ? hosts : connected
const isUp = new Set(made.hosts.slice(0, up))
await using scene = await Scene.start({ made, processes, withTls: Math.min(tls, hosts) })
const { api, fleet, plain, feeds } = scene
const { mirror } = api.model

/** How long hosts take from nothing to all that concerns them. */
async function coldHosts(what: string, numbers: readonly number[]): Promise<void> {
  const [start, cpu, delay] = [now(), process.cpuUsage(), monitorEventLoopDelay({ resolution: 5 })]
  fleet.heldMs = 0
  delay.enable()
  scene.startAgents(numbers)
  const done = await scene.settled(numbers.map((i) => made.hosts[i]!))
  const { user, system } = process.cpuUsage(cpu)
  note(`${what}, without a cache`, seconds(done - start), 's')
  note(`processor time of the API for ${what}`, seconds((user + system) / 1000), 's')
  note('event loop held meanwhile: of the API', seconds(delay.max / 1e6), 's')
  note('of the processes that have many agents', seconds(fleet.heldMs), 's')
}

/** A host that runs before all others do: it is in the first vpcs. */
const lone = Math.min(spread, up) - 1
await coldHosts('cold start of a host', [lone])

const macOf = (n: number): string => `${watched}00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
const hostsOf = (vpc: number): string[] => [
  ...new Set(Array.from({ length: spread }, (_, n) => made.hosts[hostNumber(vpc, n, { hosts, spread })]!)),
]
/** Vpcs all of whose hosts are connected. */
const living = made.vpcs.map((_, vpc) => vpc).filter((vpc) => hostsOf(vpc).every((host) => isUp.has(host)))
const vpcOf = (i: number): number => living[(i * 13) % living.length]!
const fresh: string[] = []

/** From the API's answer until the last of these has set or removed the address of change `i`. */
async function seen(i: number, what: 'set' | 'removed', on: readonly string[], change: () => Promise<unknown>): Promise<Took> {
  const last = fleet.saw(what, macOf(i), on)
  await change()
  const answered = now()
  const done = await last
  return { answered, written: scene.written.last(on), done }
}
const bind = (i: number, host: string): Promise<unknown> => api.ok('PUT', `/vnics/${fresh[i]}/binding`, { host })

/** Make the vnic of change `i`. */
const make = async (i: number, vpc = vpcOf(i)): Promise<void> => {
  fresh[i] = (await api.ok('POST', '/vnics', { account: 'shop', subnet: made.subnets[vpc], mac: macOf(i) })).id
}

/** Numbers of the vnics that one agent alone hears of. */
const aloneFrom = 60_000
const alone = Array.from({ length: Math.min(100, rounds) }, (_, i) => aloneFrom + i)
await each(alone, (i) => make(i, 0))
const taken = await scene.measure('a new vnic, one agent runs', alone.length, { hosts: 1, goal: null }, async (i) => {
  // Neither the API's pause between two rounds nor that of the agent is in it.
  await sleep(50)
  return seen(aloneFrom + i, 'set', [made.hosts[lone]!], () => bind(aloneFrom + i, made.hosts[0]!))
})
const fromLine = taken.map(({ written, done }) => done - written).toSorted((a, b) => a - b)
note("one agent alone, from the API's line to vpcd: p50", rounded(quantile(fromLine, 0.5)), 'ms')
note("one agent alone, from the API's line to vpcd: p99", rounded(quantile(fromLine, 0.99)), 'ms')
const others = Array.from({ length: up }, (_, i) => i).filter((i) => i !== lone)
await coldHosts(`cold start of ${others.length} hosts at once`, others)

/** Agents whose process was held for long connect again: wait until all of them answer within a ping, twice. */
async function calm(): Promise<void> {
  for (let calm = 0, i = 0; calm < 2 && i < 20; i++) {
    const start = now()
    await api.ok('PATCH', `/hosts/${made.hosts[0]}`, { description: `calm ${i}` }, { 'if-match': '*' })
    await scene.settled(isUp)
    calm = now() - start < 1.2 * pingEveryMs ? calm + 1 : 0
  }
}
await calm()

const near = { hosts: Math.min(spread, hosts) - 1, goal: 100 }
await each(
  Array.from({ length: rounds }, (_, i) => i),
  (i) => make(i),
)
const plugIn = async (i: number): Promise<Took> => {
  const [first, ...others] = hostsOf(vpcOf(i))
  return seen(i, 'set', others, () => bind(i, first!))
}
// Agents have done little else than to begin: what they do for a change is not compiled yet.
const firstFrom = 50_000
const first = Array.from({ length: Math.min(100, rounds) }, (_, i) => firstFrom + i)
await each(first, (i) => make(i))
await scene.measure('the first new vnics', first.length, { ...near, goal: null }, (i) => plugIn(firstFrom + i))
await scene.measure('a new vnic', rounds, near, plugIn)
await scene.measure('a moved vnic', rounds, near, async (i) => {
  const [, second, ...others] = hostsOf(vpcOf(i))
  return seen(i, 'set', others, () => bind(i, second!))
})
await scene.settled(hostsOf(vpcOf(rounds - 1)))
await scene.measure('a removed vnic', rounds, near, async (i) => {
  const [first, , ...others] = hostsOf(vpcOf(i))
  return seen(i, 'removed', [first!, ...others], () => api.ok('DELETE', `/vnics/${fresh[i]}/binding`))
})

/** From the API's answer until the last of these has acknowledged it. */
async function acknowledged(on: Iterable<string>, change: () => Promise<unknown>): Promise<Took> {
  await change()
  const answered = now()
  const done = await scene.settled(on)
  return { answered, written: scene.written.last(on), done }
}
const inCrowd = [...isUp].filter((host) => feeds.places.isIn(host, made.crowd))
const few = Math.min(20, rounds)
const outside = mirror.objects
  .usersOf(made.subnets[living[0]!]!, 'vnic')
  .filter(({ record }) => record.binding && !(record.spec.groups as string[]).length)
await scene.measure(`a new member of a group of ${members}`, few, { hosts: hostsOf(living[0]!).length, goal: 150 }, (i) =>
  acknowledged(hostsOf(living[0]!), () =>
    api.ok('PATCH', `/vnics/${outside[i]!.record.id}`, { groups: [made.crowd] }, { 'if-match': '*' }),
  ),
)
await scene.measure(`a rule of that group`, few, { hosts: inCrowd.length, goal: 150 }, (i) => {
  const rules = [{ direction: 'in', protocol: 'tcp', ports: [String(6000 + i)] }]
  return acknowledged(inCrowd, () => api.ok('PATCH', `/groups/${made.crowd}`, { rules }, { 'if-match': '*' }))
})

/** All vnics of some hosts go to others of their vpcs. */
const leaving = [...isUp]
  .flatMap((host) => mirror.objects.usersOf(host, 'vnic').filter(({ record }) => record.binding?.host === host))
  .slice(0, evacuated)
const touched = new Set(leaving.flatMap(({ record }) => [...feeds.places.hostsOf(record.vpc!)].filter((host) => isUp.has(host))))
await scene.measure(`${leaving.length} vnics evacuated`, 1, { hosts: touched.size, goal: 1500 }, () => {
  const numberOf = new Map(made.hosts.map((id, i) => [id, i]))
  const elsewhere = (host: string): string => made.hosts[(numberOf.get(host)! + 1) % up]!
  return acknowledged(touched, () =>
    each(leaving, ({ record }) => api.ok('PUT', `/vnics/${record.id}/binding`, { host: elsewhere(record.binding!.host) })),
  )
})

// All without TLS lose their connection at once, and come back when they like, within five seconds.
await scene.measure('all agents lose their connection', 1, { hosts: up, goal: 8000 }, async () => {
  plain.server.closeAllConnections()
  const start = now()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await api.ok('PATCH', `/hosts/${made.hosts[0]}`, { description: 'again' }, { 'if-match': '*' })
  while (feeds.connected.size < up) await new Promise((resolve) => setTimeout(resolve, 20))
  await scene.settled(isUp)
  return { answered: start, written: scene.written.last(isUp), done: now() }
})

await new Promise((resolve) => setTimeout(resolve, 1500))
note(`API with ${up} hosts connected: resident`, Math.round(process.memoryUsage().rss / 2 ** 20), 'MiB', 1536)
note(`an agent, of its process with ${Math.round(up / processes)} of them`, rounded(fleet.memory / up / 2 ** 20), 'MiB', 80)
process.stdout.write(markdown(scene.rows, figures))
if (json !== undefined)
  writeFileSync(json, `${JSON.stringify({ date: new Date().toISOString(), hosts, addresses, rows: scene.rows, figures }, null, 2)}\n`)
