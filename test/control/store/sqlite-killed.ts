/** Kills the process that has an SQLite store before each of its steps, and looks at what the next one finds. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import type { WatchItem } from '#control/store/store.ts'

/** The program that is killed. */
export const writer = fileURLToPath(new URL('./mortal-writer.ts', import.meta.url))

/** What the process was told, until it ended; before step `at`, or by itself. */
async function run(path: string, at: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [writer, path, String(at)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [told, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.ok(signal === 'SIGKILL' || code === 0, `it ended with ${code}`)
  return told.split('\n').slice(0, -1)
}

/** Number of steps that were tried. */
export async function killAtEachStep(pathOf: (step: number) => string): Promise<number> {
  const told = await run(pathOf(-1), -1)
  const steps = Number(told.at(-1)!.split(' ')[1])
  await check(pathOf(-1), told)
  let next = 0
  const killInTurn = async (): Promise<void> => {
    for (let at = next++; at < steps; at = next++) {
      const told = await run(pathOf(at), at)
      assert.ok(!told.at(-1)?.startsWith('steps'), `step ${at} was not reached`)
      await check(pathOf(at), told)
    }
  }
  // Two at a time: what takes long is to start them.
  await Promise.all([killInTurn(), killInTurn()])
  return steps
}

async function check(path: string, told: readonly string[]): Promise<void> {
  const where = `told ${told.join(', ')}`
  await using store = openSqliteStore(path)
  const { entries, revision } = await store.range('')
  const values = new Map(entries.map(({ key, value }) => [key, value]))
  for (const name of ['a', 'b']) {
    const found = [1, 2].map((n) => values.get(`${name}/${n}`))
    assert.equal(found[0], found[1], `half a commit of ${name}: ${where}`)
    if (told.includes(`put ${name}`) && !(name === 'a' && told.includes('here'))) assert.equal(found[0], name, `lost: ${where}`)
  }
  assert.ok(!(told.includes('delete a') && values.has('a/1')), `came back: ${where}`)
  // The process with the lease is gone.
  assert.ok(!values.has('here'), where)
  await replay(store, values, revision)
  await store.commit({ if: [], write: [] })
}

/** The log says how the keys came to be, when none of it was compacted. */
async function replay(store: ReturnType<typeof openSqliteStore>, values: ReadonlyMap<string, string>, revision: number): Promise<void> {
  const { compacted } = await store.status()
  if (compacted > 1) return
  const replayed = new Map<string, string>()
  const apply = (item: WatchItem): boolean => {
    assert.ok(item.kind !== 'reset')
    if (item.kind === 'changes')
      for (const { key, value } of item.changes) value === undefined ? replayed.delete(key) : replayed.set(key, value)
    return item.revision >= revision
  }
  if (revision > 1) for await (const item of store.watch('', { after: 1 })) if (apply(item)) break
  assert.deepEqual(replayed, values)
}
