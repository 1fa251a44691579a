import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pings } from './pings.ts'

test('each host is pinged in time, and a thousand are not pinged at once', () => {
  const pinged = new Map<string, number[]>()
  let now = 0
  const hostNamed = (host: string): { ping(): void } => ({
    ping: () => void pinged.set(host, [...(pinged.get(host) ?? []), now]),
  })
  for (const count of [1, 7, 1_000]) {
    pinged.clear()
    now = 0
    const feeds = new Map(Array.from({ length: count }, (_, i) => [`h${i}`, hostNamed(`h${i}`)]))
    const pings = new Pings(feeds, 5_000, 0)
    pings.stop()
    let before = 0
    const sumOf = (): number => [...pinged.values()].reduce((sum, times) => sum + times.length, 0)
    // One comes late, and one goes.
    for (now = 100; now <= 30_000; now += 100) {
      if (now === 10_000) feeds.set('late', hostNamed('late'))
      if (now === 20_000) feeds.delete('late')
      pings.look(now)
      assert.ok(sumOf() - before <= Math.ceil(count / 50) + 1, `${sumOf() - before} of ${count} at once`)
      before = sumOf()
    }
    for (const [host, times] of pinged) {
      const all = host === 'late' ? [10_000, ...times] : [0, ...times, 30_000]
      const gaps = all.slice(1).map((time, i) => time - all[i]!)
      assert.ok(Math.max(...gaps) <= 6_000, `${host} of ${count}: ${all.join(' ')}`)
      // No more often than it must be, either.
      assert.ok(times.length <= 7, `${host} of ${count}: ${all.join(' ')}`)
    }
    assert.ok(pinged.has('late'))
  }
})
