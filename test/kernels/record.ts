/**
 * A reporter for `node --test` that writes a line of JSON for each test of the long form: what outcomes.ts makes the
 * table of docs/kernels.md from.
 */
import type { TestEvent } from 'node:test/reporters'
import type { Outcome } from './outcomes.ts'

/** A line as soon as a test ends, so that a run that is interrupted has told what it found. */
export default async function* record(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let top = ''
  for await (const { type, data } of events) {
    if (type === 'test:start' && data.nesting === 0) top = data.name
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite') continue
    const { name, nesting, details } = data
    const passed = type === 'test:pass'
    const date = new Date().toISOString().slice(0, 10)
    const outcome: Outcome = { suite: nesting > 0 ? top : '', name, passed, seconds: details.duration_ms / 1000, date }
    yield `${JSON.stringify(outcome)}\n`
  }
}
