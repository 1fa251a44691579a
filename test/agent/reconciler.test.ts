/** The agent's steps against a real vpcd: whatever changes, vpcd then has what the whole document says. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { compile } from '#agent/compile/compile.ts'
import { portId } from '#agent/compile/ids.ts'
import type { ItemStore } from '#agent/compile/items.ts'
import type { FeedItem, StationItem } from '#feed/item.ts'
import { TestHost } from '../daemon/test-host.ts'
import { hostId, hostItem, stationItem, subnet, uuid, vnicItem, vpc, vtepItem } from './cloud.ts'
import { Desk, numbers } from './desk.ts'

const base: readonly FeedItem[] = [hostItem(1), vtepItem(2), vtepItem(3), vpc, subnet]
const station = (n: number, host: number, more: Partial<StationItem> = {}): StationItem => ({
  ...stationItem(vnicItem(n), hostId(host)),
  ...more,
})

suite('the reconciler', () => {
  let host: TestHost
  let desk: Desk

  before(async () => {
    host = TestHost.create()
    await host.start()
  })
  beforeEach(async () => {
    await desk?.half.close()
    desk = new Desk(host.socketPath)
    await desk.reconciler.run({ complete: true })
    desk.put(...base)
  })
  after(async () => {
    await desk.half.close()
    await host[Symbol.asyncDispose]()
  })

  /** What vpcd would still have to do for these items. */
  async function missing(items: ItemStore): Promise<string[]> {
    await using mgmt = await host.vpc.mgmt()
    const changes = await mgmt.plan(compile(items, desk.half.facts).document)
    return changes.map(({ action, type, settings }) => `${action} ${type} ${JSON.stringify(settings)}`)
  }

  test('steps of random changes lead to what the whole document says', async () => {
    const random = numbers(7)
    let unlucky = 0
    const pick = (from: number, count: number): number => from + Math.floor(random() * count)
    for (let step = 0; step < 30; step++) {
      for (let changes = pick(1, 4); changes > 0; changes--) {
        const n = pick(10, 12)
        desk.delete('station', uuid(n))
        desk.delete('vnic', uuid(n))
        const kind = random()
        const addresses = [`10.0.0.${n}`, ...(random() < 0.3 ? [`10.0.0.${n + 100}`] : [])]
        if (kind < 0.35) desk.put(vnicItem(n, { addresses, unit: random() < 0.5 ? 'hostif' : 'vmnic' }))
        else if (kind < 0.7) desk.put(station(n, pick(2, 2), { addresses, forward: random() < 0.3 }))
        if (random() < 0.1) desk.put({ ...subnet, gateway4: `10.0.0.${pick(1, 3)}`, vni: pick(5001, 2) })
        if (random() < 0.1) desk.put({ ...vtepItem(2), underlay: [{ address: `192.0.2.${pick(2, 2) * 4}`, port: 4789 }] })
        const lost = random()
        if (lost < 0.05) desk.delete('vtep', hostId(3))
        else if (lost < 0.1) desk.delete('vpc', vpc.id)
        else desk.put(vtepItem(3), vpc)
      }
      await desk.reconciler.run({ complete: true })
      assert.deepEqual(await missing(desk.items), [], `step ${step}`)
      unlucky += desk.failing.length
    }
    assert.ok(unlucky > 0, 'items whose vpc or host was missing')
  })

  test('nothing goes before the feed has said everything; then all goes that it has not said', async () => {
    desk.put(vnicItem(10), station(20, 2))
    await desk.reconciler.run({ complete: true })
    const again = new Desk(host.socketPath)
    try {
      again.put(...base, vnicItem(11))
      await again.reconciler.run({ complete: false })
      await using mgmt = await host.vpc.mgmt()
      assert.equal(await mgmt.count('vpcp'), 2)
      await again.reconciler.run({ complete: true })
      assert.deepEqual(
        (await mgmt.headers('vpcp')).map(({ id }) => id),
        [portId(uuid(11))],
      )
      assert.deepEqual(await missing(again.items), [])
    } finally {
      await again.half.close()
    }
  })

  test('what vpcd refuses without a place is found among what has changed', async () => {
    desk.put(...Array.from({ length: 20 }, (_, i) => station(30 + i, 2)))
    await desk.reconciler.run({ complete: true })
    // A mux that listens on IPv4 has no way to IPv6: an error about all entries together.
    desk.put({ kind: 'vtep', id: hostId(6), underlay: [{ address: 'fd00::6', port: 4789 }] })
    desk.put(...Array.from({ length: 9 }, (_, i) => station(60 + i, i === 5 ? 6 : 3)), vnicItem(10))
    await desk.reconciler.run({ complete: true })
    assert.deepEqual(
      desk.failing.map(([id]) => id),
      [uuid(65)],
    )
    await using mgmt = await host.vpc.mgmt()
    const document = JSON.stringify(await mgmt.exportOwned('agent'))
    assert.deepEqual(
      [20, 64, 65, 66, 68].map((n) => document.includes(`"10.0.0.${n}"`)),
      [false, true, false, true, true],
    )
    assert.equal(await mgmt.count('vpcp'), 1)
    // Two stations with one address: whoever is left has it.
    desk.put(station(70, 2, { addresses: ['10.0.0.64'] }))
    await desk.reconciler.run({ complete: true })
    desk.delete('station', uuid(70))
    desk.put(station(65, 3))
    await desk.reconciler.run({ complete: true })
    assert.deepEqual([desk.failing, await missing(desk.items)], [[], []])
  })

  test('a refused item is tried again after a while, less and less often, and not before', async () => {
    desk.put(vnicItem(10), vnicItem(11, { mac: vnicItem(10).mac }))
    const tries = async (): Promise<number> => {
      await desk.reconciler.run({ complete: true })
      return desk.reconciler.errors()[0]?.tries ?? 0
    }
    assert.deepEqual([await tries(), await tries()], [1, 1])
    assert.equal(desk.reconciler.next, desk.now + 100)
    const [{ since } = { since: '' }] = desk.reconciler.errors()
    assert.equal(since, new Date(desk.wall).toISOString())
    // Somebody sets the clock back by a day: that makes no wait longer.
    desk.wall -= 86_400_000
    const waits: number[] = []
    for (let i = 0; i < 10; i++) {
      desk.now = desk.reconciler.next!
      await tries()
      waits.push(desk.reconciler.next! - desk.now)
    }
    assert.deepEqual(waits.slice(0, 4), [200, 400, 800, 1600])
    assert.equal(waits.at(-1), 30_000)
    // What stood against it goes, and nobody tells: the next try finds out.
    desk.delete('vnic', uuid(10))
    desk.now = desk.reconciler.next!
    assert.equal(await tries(), 0)
  })

  test('a comparison of everything mends what others have removed', async () => {
    desk.put(vnicItem(10))
    await desk.reconciler.run({ complete: true })
    await using port = await host.vpc.openPort(portId(uuid(10)), { write: true })
    await port.destroy()
    await desk.reconciler.run({ complete: true })
    assert.equal((await missing(desk.items)).length, 1)
    desk.reconciler.doubt()
    await desk.reconciler.run({ complete: true })
    assert.deepEqual(await missing(desk.items), [])
  })
})
