/**
 * What the agent makes of changes one by one, against what the compiler makes of all items: the same after each step
 * of random walks, with a vpcd in memory that refuses some of them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostDocument } from '#abi/host-file.ts'
import { flatten, type Flat } from '#agent/apply/difference.ts'
import type { HostHalf } from '#agent/apply/host-half.ts'
import { Reconciler } from '#agent/apply/reconciler.ts'
import { compile } from '#agent/compile/compile.ts'
import { unitId } from '#agent/compile/ids.ts'
import { ItemStore } from '#agent/compile/items.ts'
import { problemsOf, Sections } from '#agent/compile/sections.ts'
import { lineKey, lineOf } from '#agent/compile/stations.ts'
import { VpcError } from '#client/error.ts'
import { itemKey, type FeedItem, type GroupPeer, type GroupRule, type StationItem } from '#feed/item.ts'
import { hostId, hostItem, stationItem, subnet, uuid, vnicItem, vpc, vtepItem } from './cloud.ts'
import { numbers } from './desk.ts'

const vpcs = [1000, 2000, 3000, 4000]
const facts = { interfaceOf: () => 'wan' as string | undefined, foreignEthlink: () => undefined }

/** Random items of four vpcs that know each other. */
class Walk {
  readonly #random: () => number
  constructor(seed: number) {
    this.#random = numbers(seed)
  }

  chance = (one: number): boolean => this.#random() < 1 / one
  pick = <T>(of: readonly T[]): T => of[Math.floor(this.#random() * of.length)]!
  #some = <T>(of: readonly T[]): T[] => of.filter(() => this.chance(3))
  #upTo = (most: number): number => Math.floor(this.#random() * most)

  #makers: readonly (() => FeedItem)[] = [
    () => this.#vnic(),
    () => this.#vnic(),
    () => this.#station(),
    () => this.#station(),
    () => this.#station(),
    () => this.#group(),
    () => ({
      ...vpc,
      id: uuid(this.pick(vpcs)),
      resolution: this.pick(['push', 'demand'] as const),
      hosts: this.#some([2, 3].map(hostId)),
    }),
    () => this.#subnet(),
    () => ({ ...vtepItem(this.pick([2, 3, 4])), underlay: [{ address: '192.0.2.7', port: this.pick([4789, 4790]) }] }),
    () => ({ ...hostItem(1), dnsServers: this.#some(['192.0.2.53']) }),
    () => ({ kind: 'prefix-list', id: uuid(70), entries: [`203.0.113.${this.#upTo(4) * 16}/28`] }),
    () => this.#peering(),
    () => this.#router(),
    () => this.#table(),
    () => this.#nat(),
  ]

  item = (): FeedItem => this.pick(this.#makers)()
  /** A thing of each kind, so that most of a walk is about things that have what they need. */
  start = (): FeedItem[] => [
    hostItem(1),
    ...[2, 3, 4].map(vtepItem),
    ...vpcs.flatMap((n): FeedItem[] => [{ ...vpc, id: uuid(n) }, ...[1, 2].map((i) => this.#subnetOf(n, i))]),
    ...Array.from({ length: 30 }, () => this.item()),
  ]

  #at = (): { n: number; vpc: string; subnet: string } => {
    const n = this.pick(vpcs)
    return { n, vpc: uuid(n), subnet: uuid(n + this.pick([1, 2])) }
  }
  #subnetOf(n: number, i: number): FeedItem {
    const network = `10.${n / 1000}.${i}`
    return { ...subnet, resolver: true, id: uuid(n + i), vpc: uuid(n), vni: n + i, network4: `${network}.0/24`, gateway4: `${network}.1` }
  }
  #subnet(): FeedItem {
    const made = {
      ...this.#subnetOf(this.pick(vpcs), this.pick([1, 2])),
      floodUnknown: this.chance(2),
      routeTable: this.pick([null, uuid(81)]),
    }
    return made as FeedItem
  }
  #one = (): ReturnType<typeof vnicItem> => {
    const { n, ...at } = this.#at()
    const i = 10 + this.#upTo(12)
    const addresses = [`10.${n / 1000}.${this.pick([1, 2])}.${i}`, ...(this.chance(4) ? [`10.${n / 1000}.1.${i + 100}`] : [])]
    return {
      ...vnicItem(i, {
        ...at,
        id: uuid(n + 100 + i),
        addresses,
        groups: this.#some([60, 61, 62].map(uuid)),
        hostname: this.pick([null, 'web', 'db']),
      }),
    }
  }
  #vnic = (): FeedItem => this.#one()
  #station = (): StationItem => ({ ...stationItem(this.#one(), hostId(this.pick([2, 3, 4, 5]))), forward: this.chance(8) })
  #peer = (): GroupPeer =>
    this.pick<GroupPeer>([
      { group: uuid(this.pick([60, 61, 62, 63])) },
      { subnet: this.#at().subnet },
      { prefixList: uuid(this.pick([70, 71])) },
      { cidr: '0.0.0.0/0' },
    ])
  #rule = (id: number): GroupRule => ({
    id: uuid(id),
    direction: this.pick(['in', 'out'] as const),
    protocol: this.pick(['tcp', 'icmp'] as const),
    ports: [],
    icmp: null,
    peers: Array.from({ length: this.#upTo(3) }, this.#peer),
  })
  #group = (): FeedItem => ({
    kind: 'group',
    id: uuid(this.pick([60, 61, 62])),
    account: uuid(5),
    rules: Array.from({ length: this.#upTo(3) }, (_, i) => this.#rule(600 + i)),
  })
  #peering(): FeedItem {
    const [one, other] = [this.pick(vpcs), this.pick(vpcs)]
    return { kind: 'peering', id: uuid(this.pick([90, 91])), vpcs: [uuid(one), uuid(other)] }
  }
  #router(): FeedItem {
    const { n, vpc: of } = this.#at()
    return {
      kind: 'router',
      id: uuid(n + this.pick([50, 51])),
      vpc: of,
      subnets: this.#some([n + 1, n + 2].map(uuid)),
      enabled: !this.chance(4),
    }
  }
  #table = (): FeedItem => ({
    kind: 'route-table',
    id: uuid(this.pick([80, 81])),
    vpc: this.#at().vpc,
    routes: [
      { destination: '172.16.0.0/16', peering: uuid(this.pick([90, 91])) },
      { destination: '172.17.0.0/16', vnic: uuid(1), via: [`10.1.1.${10 + this.#upTo(5)}`] },
    ],
  })
  #nat(): FeedItem {
    const { n, vpc: of } = this.#at()
    const floats = [{ address: '198.51.100.7', inside: `10.${n / 1000}.1.12` }]
    const wire = this.chance(2) ? { interface: this.pick(['wan', 'pub']), prefix4: null, gateway4: null } : null
    return {
      kind: 'nat',
      id: uuid(n + 40),
      vpc: of,
      pools: ['198.51.100.0/24'],
      shared: [],
      floats,
      wire,
      via: wire === null ? hostId(2) : null,
    }
  }
}

const texts = ({ objects, lines }: Flat): object => ({
  objects: Object.fromEntries([...objects].map(([id, { text, parent }]) => [id, `${parent} ${text}`]).sort()),
  lines: Object.fromEntries([...lines].map(([key, { text }]) => [key, text]).sort()),
})
const said = (problems: readonly { readonly item: FeedItem; readonly code: string }[]): string[] =>
  problems.map(({ item, code }) => `${itemKey(item)} ${code}`).sort()

/** Some changes of items, each told to `touch` before the store has it. */
function change(walk: Walk, items: ItemStore, touch: (before: FeedItem | undefined, after: FeedItem | undefined) => void): void {
  do {
    const all = [...items].filter(({ kind }) => kind !== 'host')
    const gone = walk.chance(3) && all.length > 0 ? walk.pick(all) : undefined
    const item = gone ?? walk.item()
    touch(items.get(item.kind, item.id), gone === undefined ? item : undefined)
    if (gone === undefined) items.put(item)
    else items.delete(item.kind, item.id)
  } while (walk.chance(2))
}

test('sections together are what the compiler makes of all items, after each step of random walks', () => {
  let some = 0
  for (let seed = 1; seed <= 8; seed++) {
    const [walk, items] = [new Walk(seed), new ItemStore()]
    const sections = new Sections(items)
    const put = (item: FeedItem): void => {
      sections.touch(items.get(item.kind, item.id), item)
      items.put(item)
    }
    walk.start().forEach(put)
    for (let step = 0; step < 40; step++) {
      const before = sections.compiled
      const { isWhole } = sections.update(facts)
      if (!isWhole && sections.compiled > before) some++
      const full = compile(items, facts, { stations: false })
      const flats = [...sections.made.values()].map(({ document }) => flatten(document))
      const together: Flat = {
        objects: new Map(flats.flatMap(({ objects }) => [...objects])),
        lines: new Map(flats.flatMap(({ lines }) => [...lines])),
      }
      assert.deepEqual(texts(together), texts(flatten(full.document)), `seed ${seed}, step ${step}`)
      assert.deepEqual(said(problemsOf(sections.made.values())), said(full.problems), `seed ${seed}, step ${step}`)
      change(walk, items, (old, now) => sections.touch(old, now))
    }
  }
  assert.ok(some > 50, `${some} steps compiled some sections and not all`)
})

test('a change compiles what it touches', () => {
  const items = new ItemStore()
  const sections = new Sections(items)
  const put = (item: FeedItem): number => {
    sections.touch(items.get(item.kind, item.id), item)
    items.put(item)
    const before = sections.compiled
    sections.update(facts)
    return sections.compiled - before
  }
  const at = (n: number) => ({ vpc: uuid(n), subnet: uuid(n + 1) })
  put(hostItem(1))
  put(vtepItem(2))
  for (const n of vpcs)
    for (const item of [
      { ...vpc, id: uuid(n) },
      { ...subnet, id: uuid(n + 1), vpc: uuid(n) },
    ])
      put(item)
  const [a, b] = [10, 11].map((n) => stationItem(vnicItem(n, at(1000)), hostId(2))) as [StationItem, StationItem]
  assert.equal(put(vnicItem(20, at(1000))), 1)
  assert.equal(put(a), 1, 'the first station of a host: it gets broadcasts')
  assert.equal(put(b), 0, 'another one: a line of its own')
  assert.equal(put({ ...b, mac: '02:00:00:00:00:77' }), 0)
  assert.equal(put({ ...b, groups: [uuid(60)] }), 1, 'a member of a group')
  assert.equal(put(b), 1)
  assert.equal(put({ ...b, hostname: 'db' }), 1, 'a name that guests ask for')
  assert.equal(put({ ...vnicItem(21, at(1000)), groups: [uuid(60)] } as FeedItem), 1)
  const group = { kind: 'group', account: uuid(9), rules: [] } as const
  assert.equal(put({ ...group, id: uuid(60) }), 1, 'the group that a vnic waits for')
  assert.equal(put({ ...group, id: uuid(61) }), 0, 'a group that nothing here names')
  assert.equal(put(vtepItem(3)), 5)
})

/** A vpcd in memory, by the words of partial documents. */
class Memory implements HostHalf {
  state: Flat = { objects: new Map(), lines: new Map() }
  refused = new Set<string>()
  applied = 0
  #isConnected = false
  facts = facts
  connect = async (): Promise<boolean> => {
    const isNew = !this.#isConnected
    this.#isConnected = true
    return isNew
  }
  close = async (): Promise<void> => {}
  apply = async (document: HostDocument): Promise<void> => {
    const [plain, gone] = withoutRemovals(document)
    for (const [list, values] of Object.entries(plain))
      if (Array.isArray(values))
        for (const [i, { id }] of values.entries()) if (this.refused.has(id)) throw new VpcError('EBUSY', `at ${list}[${i}]: it is in use`)
    const { objects, lines } = flatten(plain)
    this.applied++
    if (document.partial !== true) return void (this.state = { objects, lines })
    const now = { objects: new Map([...this.state.objects, ...objects]), lines: new Map([...this.state.lines, ...lines]) }
    for (const key of gone) now.lines.delete(key)
    for (const id of (document['remove'] ?? []) as string[]) now.objects.delete(id)
    for (const [id, { parent }] of now.objects) if (parent !== null && !now.objects.has(parent)) now.objects.delete(id)
    for (const [key, { parent }] of now.lines) if (!now.objects.has(parent)) now.lines.delete(key)
    this.state = now
  }
}

/** A document without its lists of lines that go, and the keys of those. */
function withoutRemovals(document: HostDocument): [any, string[]] {
  const gone: string[] = []
  const plain: any = structuredClone(document)
  for (const object of [...(plain.muxes ?? []), ...(plain.switches ?? [])])
    for (const list of ['entries', 'neighbours'] as const) {
      for (const line of object[`remove-${list}`] ?? []) gone.push(lineKey(lineOf(list, object.id, line)))
      delete object[`remove-${list}`]
    }
  const { remove: _, ...rest } = plain
  return [rest, gone]
}

test('vpcd has what the whole document says after each step, also when it has refused something meanwhile', async () => {
  let refusals = 0
  for (let seed = 21; seed <= 26; seed++) {
    const [walk, items, half] = [new Walk(seed), new ItemStore(), new Memory()]
    const clock = { at: 1e6, now: () => clock.at, elapsed: () => clock.at, random: () => 0.5 }
    const reconciler = new Reconciler({ items, half, clock })
    const touch = (_: FeedItem | undefined, after: FeedItem | undefined): void => void (after && reconciler.change(after))
    for (const item of walk.start()) {
      reconciler.change(item)
      items.put(item)
    }
    for (let step = 0; step < 40; step++) {
      if (walk.chance(2)) half.refused = new Set([...items.of('vnic')].slice(-3).map(unitId))
      await reconciler.run({ complete: true })
      refusals += reconciler.errors().filter(({ text }) => text === 'it is in use').length
      if (half.refused.size > 0) {
        half.refused.clear()
        clock.at += 60_000
        await reconciler.run({ complete: true })
      }
      const full = flatten(compile(items, facts).document)
      assert.deepEqual(texts(half.state), texts(full), `seed ${seed}, step ${step}`)
      const { applied } = half
      await reconciler.run({ complete: true })
      assert.equal(half.applied, applied, 'nothing is left to do')
      change(walk, items, (before, after) => (after === undefined ? reconciler.gone(before!) : touch(before, after)))
    }
  }
  assert.ok(refusals > 10, `${refusals} refusals`)
})
