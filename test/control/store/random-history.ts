/** Random histories of a store against a simple model of it: a map, and a list of what changed. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StoreError } from '#control/store/store-error.ts'
import { absent, at, del, empty, exists, put, type Commit, type CommitResult, type Condition, type Store } from '#control/store/store.ts'

/** Prefixes of one another, and neighbours in the order. */
const keys = ['a', 'a/', 'a/1', 'a/1/x', 'a/2', 'a0', 'b'] as const
const key = fc.constantFrom(...keys)
const prefix = fc.constantFrom('', 'a', 'a/', 'a/1', 'b', 'c')

/** `back`: 0 is the last revision of the key; more is one that it is not. */
type Asked =
  | { readonly kind: 'absent' | 'exists' | 'empty'; readonly key: string }
  | { readonly kind: 'at'; readonly key: string; readonly back: number }

type Step =
  | { readonly do: 'commit'; readonly asked: readonly Asked[]; readonly puts: readonly string[]; readonly dels: readonly string[] }
  | { readonly do: 'range'; readonly prefix: string; readonly after: string | undefined; readonly limit: number | undefined }

const condition: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ kind: fc.constantFrom('absent' as const, 'exists' as const), key }),
  fc.record({ kind: fc.constant('empty' as const), key: prefix }),
  fc.record({ kind: fc.constant('at' as const), key, back: fc.nat(1) }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: commitStep(), weight: 3 },
  {
    arbitrary: fc.record({
      do: fc.constant('range' as const),
      prefix,
      after: fc.option(key, { nil: undefined }),
      limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
    weight: 1,
  },
)

function commitStep(): fc.Arbitrary<Step> {
  const writes = fc
    .uniqueArray(key, { maxLength: 4 })
    .chain((written) => fc.nat(written.length).map((n) => [written.slice(0, n), written.slice(n)]))
  return fc
    .record({ asked: fc.array(condition, { maxLength: 2 }), writes })
    .map(({ asked, writes: [puts, dels] }) => ({ do: 'commit', asked, puts: puts!, dels: dels! }))
}

interface Kept {
  readonly value: string
  readonly created: number
  readonly modified: number
}

/** The store as a map. Its revisions are those that the store gives. */
class Model {
  readonly entries = new Map<string, Kept>()
  readonly changes: [revision: number, key: string, value: string | undefined][] = []

  condition(asked: Asked): Condition {
    switch (asked.kind) {
      case 'absent':
        return absent(asked.key)
      case 'exists':
        return exists(asked.key)
      case 'empty':
        return empty(asked.key)
      case 'at':
        return at(asked.key, (this.entries.get(asked.key)?.modified ?? 1) - asked.back)
    }
  }

  holds(condition: Condition): boolean {
    if (condition.kind === 'empty') return ![...this.entries.keys()].some((key) => key.startsWith(condition.prefix))
    const found = this.entries.get(condition.key)
    if (condition.kind === 'at') return found?.modified === condition.revision
    return (condition.kind === 'absent') === (found === undefined)
  }

  apply({ write }: Commit, revision: number): void {
    for (const one of write.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
      const found = this.entries.get(one.key)
      if (one.kind === 'del' && !this.entries.delete(one.key)) continue
      if (one.kind === 'put') this.entries.set(one.key, { value: one.value, created: found?.created ?? revision, modified: revision })
      this.changes.push([revision, one.key, one.kind === 'put' ? one.value : undefined])
    }
  }

  range(prefix: string, after: string | undefined, limit = Infinity): unknown {
    const all = [...this.entries]
      .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, kept]) => ({ key, ...kept }))
    return { entries: all.slice(0, limit), more: all.length > limit }
  }
}

/** Histories that must agree with the model. `make` opens an empty store each time. */
export async function agreesWithModel(make: () => Promise<Store>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      await using store = await make()
      await runHistory(store, steps)
    }),
    { numRuns },
  )
}

async function runHistory(store: Store, steps: readonly Step[]): Promise<void> {
  const model = new Model()
  const began = (await patiently(() => store.range(''))).revision
  let number = 0
  for (const step of steps) {
    if (step.do === 'range') {
      const { prefix, after, limit } = step
      const { entries, more } = await patiently(() => store.range(prefix, { after, limit }))
      assert.deepEqual({ entries, more }, model.range(prefix, after, limit))
      continue
    }
    // The mark says what became of a commit whose answer was lost.
    const mark = put('mark', `${number}`)
    const write = [mark, ...step.puts.map((key) => put(key, `${number}`)), ...step.dels.map(del)]
    number++
    await commitAndCompare(store, model, { if: step.asked.map((asked) => model.condition(asked)), write })
  }
  await replays(store, model, began)
}

async function commitAndCompare(store: Store, model: Model, commit: Commit): Promise<void> {
  const failed = commit.if.find((condition) => !model.holds(condition))
  const result = await outcome(store, commit)
  if (result === lost) return
  assert.equal(result.ok, failed === undefined)
  if (result.ok) model.apply(commit, result.revision)
  else {
    assert.deepEqual(result.failed, failed)
    const kept = failed!.kind === 'empty' ? undefined : model.entries.get(failed!.key)
    assert.deepEqual(result.found, kept && { key: (failed as { key: string }).key, ...kept })
  }
}

/** A commit that was not done although its conditions hold: its answer was lost. */
const lost = 'lost'

async function outcome(store: Store, commit: Commit): Promise<CommitResult | typeof lost> {
  try {
    return await patiently(() => store.commit(commit))
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'outcome-unknown')) throw error
    const [mark] = (await patiently(() => store.get(['mark']))).entries
    const [write] = commit.write
    return write!.kind === 'put' && mark?.value === write!.value ? { ok: true, revision: mark.modified } : lost
  }
}

/** Try again while the store is away. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'away')) throw error
    }
}

/** A watch from the beginning gives each change once, in order, whatever it repeats and however often it is reset. */
async function replays(store: Store, model: Model, began: number): Promise<void> {
  const last = model.changes.at(-1)?.[0] ?? began
  const seen: typeof model.changes = []
  for (let reached = began; reached < last;)
    for await (const item of store.watch('', { after: reached })) {
      if (item.kind === 'reset') break
      if (item.revision > reached && item.kind === 'changes')
        for (const { key, value } of item.changes) seen.push([item.revision, key, value])
      reached = Math.max(reached, item.revision)
      if (reached >= last) break
    }
  assert.deepEqual(seen, model.changes)
}
