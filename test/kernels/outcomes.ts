/**
 * What the long form found, kept in build/kernels from run to run, and as the table of docs/kernels.md:
 * test/kernels/outcomes.ts RECORD... [--all] [--document FILE]. With --all the records are of a whole run, and nothing
 * older is kept.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { store } from './apt-root.ts'

/** How one test of the long form ended. */
export interface Outcome {
  /** The suite around it, or nothing. */
  readonly suite: string
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly date: string
}

const marks = ['<!-- outcomes: begin -->', '<!-- outcomes: end -->'] as const
const isFile = ({ name }: Outcome): boolean => name.endsWith('.test.ts')
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** The later outcome of a test takes the place of the earlier one. */
export function merge(earlier: readonly Outcome[], later: readonly Outcome[]): Outcome[] {
  const all = new Map([...earlier, ...later].map((one) => [`${one.suite}\n${one.name}`, one]))
  return [...all.values()]
}

/** A suite of test files is one row, with the names of those that failed; any other test has a row of its own. */
function rowOf(of: readonly Outcome[]): string {
  const [first] = of
  const failed = of.filter(({ passed }) => !passed)
  const seconds = Math.round(of.reduce((sum, one) => sum + one.seconds, 0))
  const date = of
    .map((one) => one.date)
    .toSorted()
    .at(-1)!
  if (!isFile(first!))
    return row([first!.suite, first!.name].filter(Boolean).join(': '), first!.passed ? 'passed' : 'FAILED', `${seconds}`, date)
  const names = failed.length === 0 ? '' : `; FAILED: ${failed.map(({ name }) => name).join(', ')}`
  return row(first!.suite, `${of.length - failed.length} of ${of.length} files passed${names}`, `${seconds}`, date)
}

/** The table, in the order of the names. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = Map.groupBy(outcomes, (one) => (isFile(one) ? one.suite : `${one.suite}: ${one.name}`))
  const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, of]) => rowOf(of))
  return [row('what', 'outcome', 'seconds', 'day'), row('---', '---', '---', '---'), ...sorted].join('\n')
}

/** A page with the table between its marks. */
export function intoPage(page: string, table: string): string {
  const [begin, end] = marks.map((mark) => page.indexOf(mark)) as [number, number]
  if (begin < 0 || end < begin) throw new Error(`the page has no ${marks.join(' … ')}`)
  return `${page.slice(0, begin)}${marks[0]}\n\n${table}\n\n${page.slice(end)}`
}

const read = (path: string): Outcome[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' }, document: { type: 'string' } }, allowPositionals: true })
  const kept = join(store, 'outcomes.jsonl')
  const outcomes = merge(values.all ? [] : read(kept), positionals.flatMap(read))
  writeFileSync(kept, outcomes.map((one) => `${JSON.stringify(one)}\n`).join(''))
  if (values.document !== undefined) writeFileSync(values.document, intoPage(readFileSync(values.document, 'utf8'), tableOf(outcomes)))
  else process.stdout.write(`${tableOf(outcomes)}\n`)
}
