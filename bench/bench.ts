/** `npm run bench`: measures the datapath beside its peers, prints tables, writes JSON, a chart and the tables of a document. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { chart } from './chart.ts'
import { intoDocument, markdown, type Results } from './document.ts'
import { measureMachine } from './machine.ts'
import { measure, ratios, type ScenarioResult } from './measure.ts'
import { programCosts } from './program-cost.ts'
import { report, reportCosts, reportMachine } from './report.ts'
import { full, quick } from './scenario.ts'

const usage = `usage: npm run bench -- [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE] [--document FILE]

  --quick          the conditions that the targets are set for, in two minutes
  --rounds N       rounds over all peers (5; quick: 2)
  --seconds N      seconds of each measurement (2; quick: 1)
  --json FILE      write all results, and the ratios of ours to each peer
  --chart FILE     write a bar chart (SVG) of the first scenario
  --document FILE  put the tables between the marks of a Markdown file
`

/** Somebody has had enough: what is set up is taken down, nothing is written. */
class Interrupted extends Error {}

function fail(message: string, status: number): never {
  process.stderr.write(`bench: ${message}\n`)
  process.exit(status)
}

function options() {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    const shape = { quick: flag, rounds: text, seconds: text, json: text, chart: text, document: text, help: flag }
    return parseArgs({ options: shape }).values
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage}`, 2)
  }
}

function positive(name: string, value: string | undefined, usual: number): number {
  if (value === undefined) return usual
  return /^[1-9]\d{0,3}$/.test(value) ? Number(value) : fail(`--${name} takes a whole number from 1 on, not '${value}'`, 2)
}

const asked = options()
if (asked.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const { scenarios, machine, ...usual } = asked.quick ? quick : full
const rounds = positive('rounds', asked.rounds, usual.rounds)
const seconds = positive('seconds', asked.seconds, usual.seconds)
if (process.getuid?.() !== 0) fail('needs root, to make network namespaces', 1)

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupted) process.exit(130)
    interrupted = true
    process.stderr.write('bench: taking everything down after this measurement\n')
  })

function progress(text: string): void {
  if (interrupted) throw new Interrupted()
  process.stderr.write(`${text}\n`)
}

async function run(): Promise<Results> {
  const costs = programCosts()
  process.stdout.write(`\n${reportCosts(costs)}\n`)
  const results: ScenarioResult[] = []
  for (const [i, scenario] of scenarios.entries()) {
    const result = await measure(scenario, rounds, seconds, (text) => progress(`[${i + 1}/${scenarios.length}] ${text}`))
    results.push(result)
    process.stdout.write(`\n${report(result)}\n`)
  }
  const toMachine = machine && (await measureMachine(machine, rounds, seconds, progress))
  if (toMachine) process.stdout.write(`\n${reportMachine(toMachine)}\n`)
  const model = cpus()[0]?.model ?? 'unknown'
  return {
    date: new Date().toISOString(),
    machine: { cpus: cpus().length, model, kernel: release() },
    rounds,
    seconds,
    costs,
    scenarios: results,
    ...(toMachine && { toMachine }),
    ratios: ratios(results),
  }
}

try {
  const results = await run()
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(results, null, 2)}\n`)
  if (asked.chart !== undefined) writeFileSync(asked.chart, chart(results.scenarios[0]!))
  if (asked.document !== undefined) writeFileSync(asked.document, intoDocument(readFileSync(asked.document, 'utf8'), markdown(results)))
} catch (error) {
  // What Ctrl-C does to the programs that measure looks like their failure.
  if (!interrupted) throw error
  process.exitCode = 130
}
