/** Random changes, and what the feeds of all hosts make of them, judged by a slow model after every few steps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { hostsOfTopic } from '#control/feed/affected.ts'
import type { HostFeed, Sink } from '#control/feed/host-feed.ts'
import { Lookups } from '#control/feed/lookups.ts'
import { TestApi } from '../test-api.ts'
import { CloudWalk, numbersOf } from './cloud-walk.ts'
import { Expected, type Items } from './expected-items.ts'

/** A host without a machine: it keeps what the lines say, and is slow now and then. */
class PaperHost implements Sink {
  items: Items = new Map()
  revision: string | undefined
  wholes = 0
  /** It asks for stations of large vpcs, and has asked for these. */
  readonly asks: boolean
  readonly asked = new Set<string>()
  /** Its agent knows transits. */
  crosses: boolean
  #next: Items = new Map()
  readonly #number: (below: number) => number

  constructor(seed: number, asks: boolean, crosses: boolean) {
    this.asks = asks
    this.crosses = crosses
    this.#number = numbersOf(seed)
  }

  write(line: string): boolean {
    const message = JSON.parse(line)
    if (message.type === 'hello') this.#next = message.whole ? (this.wholes++, new Map()) : new Map(this.items)
    if (message.type === 'put') this.#next.set(`${message.item.kind}/${message.item.id}`, message.item)
    if (message.type === 'delete') this.#next.delete(`${message.kind}/${message.id}`)
    if (message.type === 'sync') [this.items, this.revision] = [new Map(this.#next), message.revision]
    return this.#number(20) !== 0
  }

  drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  end(): void {}
}

async function walk(seed: number, { steps, checkEvery }: { steps: number; checkEvery: number }): Promise<CloudWalk> {
  await using api = await TestApi.start()
  const cloud = new CloudWalk(api, seed)
  await cloud.begin()
  const hosts = new Map(cloud.hosts.map((id, i) => [id, new PaperHost(seed + i, i < 3, i !== 1)]))
  const open = new Map<string, HostFeed>()
  for (const [id, host] of hosts) open.set(id, api.feeds.open(id, undefined, host, host))
  for (let i = 1; i <= steps; i++) {
    await cloud.step()
    if (cloud.chance(25)) api.ahead += 61_000
    if (cloud.chance(12)) {
      // It is away for a while, and comes back with what it has.
      const id = cloud.pick(cloud.hosts)
      api.feeds.gone(open.get(id)!)
      for (let missed = 0; missed < 2; missed++) await cloud.step()
      const { revision } = hosts.get(id)!
      // Now and then with an agent of another version.
      if (cloud.chance(3)) hosts.get(id)!.crosses = cloud.chance(2)
      open.set(id, api.feeds.open(id, revision === undefined ? undefined : Number(revision), hosts.get(id)!, hosts.get(id)!))
    }
    if (cloud.chance(3)) lookUp(api, cloud, hosts)
    if (i % checkEvery === 0) await check(api, hosts, open, `seed ${seed}, step ${i}, after ${cloud.tail}`)
  }
  const wholes = [...hosts.values()].map((host) => host.wholes)
  assert.ok(Math.max(...wholes) < steps / 20, `${wholes}`)
  return cloud
}

/** A host that asks looks for an address of one of its vpcs. */
function lookUp(api: TestApi, cloud: CloudWalk, hosts: ReadonlyMap<string, PaperHost>): void {
  const { objects } = api.model.mirror
  const id = cloud.pick(cloud.hosts)
  const vnics = [...objects.ids('vnic')].map((each) => objects.get('vnic', each)!.record)
  const near = vnics.filter(({ vpc }) => api.feeds.topicsOf(id).has(`vpc/${vpc}`))
  if (!hosts.get(id)!.asks || near.length === 0) return
  const vnic = cloud.pick(near)
  new Lookups(api.feeds, api.model.mirror).ask(id, { vpc: vnic.vpc!, addresses: vnic.spec.addresses as string[], vnics: [] })
  if (vnic.binding !== undefined) hosts.get(id)!.asked.add(vnic.id)
}

type Open = ReadonlyMap<string, HostFeed>

async function check(api: TestApi, hosts: ReadonlyMap<string, PaperHost>, open: Open, where: string): Promise<void> {
  const { feeds, store } = api
  feeds.expire()
  feeds.ping()
  const end = Date.now() + 10_000
  while ([...open.values()].some(({ isTold }) => !isTold)) {
    if (Date.now() > end) assert.fail(`${where}: not all hosts were told`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  // Who waits for a topic waits for the hosts that have it.
  const view = feeds.view()
  const holders = new Map<string, Set<string>>()
  for (const [id, { topics }] of open) for (const topic of topics) holders.set(topic, (holders.get(topic) ?? new Set()).add(id))
  for (const [topic, having] of holders) assert.deepEqual([...hostsOfTopic(view, topic)].sort(), [...having].sort(), `${where}: ${topic}`)
  const expected = await Expected.read(store, Date.now() + api.ahead)
  for (const [id, { items, asks, asked, crosses }] of hosts) {
    const wanted = expected.of(id)
    if (!crosses) for (const [key, item] of wanted) if (item.transit !== undefined) wanted.delete(key)
    // What it need not have it may have, as it is.
    for (const [key, item] of wanted) if (asks && expected.isAskedFor(item) && !asked.has(item.id) && !items.has(key)) wanted.delete(key)
    for (const [key, item] of wanted)
      if (!isDeepStrictEqual(items.get(key), item)) assert.deepEqual(items.get(key), item, `${where}: ${key} of host ${id}`)
    // A host has one subnet of a VNI.
    const vnis = [...items.values()].flatMap(({ kind, vni }) => (kind === 'subnet' ? [vni] : []))
    assert.equal(new Set(vnis).size, vnis.length, `${where}: VNIs of host ${id}: ${vnis}`)
    for (const key of items.keys()) assert.ok(wanted.has(key), `${where}: host ${id} has ${key}, which is none of its business`)
  }
}

/** More of them: VPC_WALK_SEEDS=4,5,6 VPC_WALK_STEPS=1000. */
const seeds = (process.env.VPC_WALK_SEEDS ?? '1,2,3').split(',').map(Number)
const steps = Number(process.env.VPC_WALK_STEPS ?? 160)

const made = new Set<string>()
for (const seed of seeds)
  test(`hosts have what concerns them, and nothing else, whatever changes (seed ${seed})`, async () => {
    for (const what of (await walk(seed, { steps, checkEvery: 8 })).made.keys()) made.add(what)
  })

test('the walks have made changes of all kinds', () => {
  for (const what of ['plug', 'unplug', 'group', 'nat', 'float set', 'peering agreed', 'table set', 'wires', 'guest moves', 'transit'])
    assert.ok(made.has(what), `${what} is none of ${[...made].join(', ')}`)
})
