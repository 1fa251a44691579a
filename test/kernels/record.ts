/**
 * A reporter for `node --test` that writes a line of JSON for each test of the long form: what outcomes.ts makes the
 * table of docs/kernels.md from.
 */
import type { TestEvent } from 'node:test/reporters'
import type { Outcome } from './outcomes.ts'

/** What a test says, without the suite around it, which ends after its tests. */
type Open = Omit<Outcome, 'suite'>

/** One line for each test that ended. */
export default async function* record(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let inSuite: Open[] = []
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, nesting, details } = data
    const open: Open = {
      name,
      passed: type === 'test:pass',
      seconds: details.duration_ms / 1000,
      date: new Date().toISOString().slice(0, 10),
    }
    if (nesting > 0) {
      inSuite.push(open)
      continue
    }
    for (const one of inSuite.length > 0 ? inSuite : [open])
      yield `${JSON.stringify({ suite: one === open ? '' : name, ...one } satisfies Outcome)}\n`
    inSuite = []
  }
}
