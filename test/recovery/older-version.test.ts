/**
 * vpcd takes over an older version's programs and maps, whose layouts are not ours, also when it is killed on the way.
 * Needs root.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { stats } from '#datapath/layout.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { ScratchHost } from '../object/scratch-host.ts'
import { world } from '../object/world.ts'
import { installOlder } from './install-older.ts'
import { audit, dieAt, look, stepsOf, type Seen } from './mortal.ts'
import { compileOlder, type olderVersions } from './program-versions.ts'

const expedited = '/sys/kernel/rcu_expedited'

beforeEach(() => writeFileSync(expedited, '1'))
process.once('exit', () => writeFileSync(expedited, '0'))

for (const version of ['otherLayouts', 'first'] as const satisfies readonly (keyof typeof olderVersions)[]) {
  suite(`version '${version}'`, () => {
    let directory: string
    let objects: string
    let host: ScratchHost
    let seen: Seen

    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'vpc-older-'))
      objects = compileOlder(version, directory)
      host = new ScratchHost({})
      for (const { handle } of Object.values(world(host))) handle.close()
      seen = look(host)
    })
    after(async () => {
      await host?.[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true })
    })

    const bpffs = (): string => join(host.bpffs.path, 'vpc')

    /** Stop, with the older version in our place. */
    async function age(): Promise<string[]> {
      await host.kill()
      return installOlder(bpffs(), objects)
    }

    test('is taken over with all entries and counters', async () => {
      const counted = count(1)
      const changed = await age()
      if (version === 'otherLayouts') for (const name of ['fdb', 'flood', 'ports', 'stats']) assert.ok(changed.includes(name), name)
      const steps = stepsOf(() => host.start())
      const [lastEntry, firstProgram] = [steps.lastIndexOf('MAP_UPDATE_BATCH'), steps.indexOf('LINK_UPDATE')]
      assert.ok(firstProgram > lastEntry, `a program runs before its tables are filled: ${steps.join(', ')}`)
      assert.deepEqual(audit(host).items, [])
      assert.deepEqual(look(host), seen)
      for (const name of changed) assert.ok(host.datapath.rebuilt.has(name), `${name} was not made anew`)
      using map = openStats()
      assert.deepEqual(map.lookup(sourceKey(1)), counted)
    })

    // One version is enough: the steps are the same.
    if (version === 'otherLayouts')
      test('is taken over by the next start when one is killed', async () => {
        await age()
        const steps = stepsOf(() => host.start())
        // Three loads of all programs each: the steps where one kind of work begins or ends.
        const chosen = [steps.lastIndexOf('rename'), steps.indexOf('MAP_UPDATE_BATCH'), steps.lastIndexOf('LINK_UPDATE')]
        assert.ok(
          chosen.every((at) => at >= 0),
          steps.join(', '),
        )
        for (const at of chosen) {
          await age()
          const where = `killed before step ${at} of ${steps.join(', ')}`
          dieAt(at, () => host.start())
          host.start()
          assert.deepEqual(audit(host).items, [], where)
          assert.deepEqual(look(host), seen, where)
        }
      })

    const openStats = (): BpfMap => BpfMap.fromPin(join(bpffs(), 'maps/stats'))

    /** Give a source counters that both versions have, others on each CPU. Those that came later start at 0. */
    function count(source: number): Uint8Array {
      using map = openStats()
      const known = version === 'first' ? firstCounters * 8 : stats.size
      const value = Uint8Array.from({ length: map.slotSize }, (_, i) => (i % 8 === 0 && i % stats.size < known ? i / 8 + 1 : 0))
      map.update(sourceKey(source), value)
      return value
    }
  })
}

/** Counters that version 'first' has: the first of ours. */
const firstCounters = 8

const sourceKey = (source: number): Uint8Array => Uint8Array.of(source, 0, 0, 0)
