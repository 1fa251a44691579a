/** `npm run bench`: measures the datapath beside its peers, prints tables, writes JSON and charts. */
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { chart } from './chart.ts'
import { measure, ratios, type ScenarioResult } from './measure.ts'
import { report } from './report.ts'
import { full, quick } from './scenario.ts'

const usage = `usage: npm run bench -- [--quick] [--json FILE] [--chart FILE]

  --quick       the conditions that the targets are set for, in two minutes
  --json FILE   write all results, and the ratios of ours to each peer
  --chart FILE  write a bar chart (SVG) of the first scenario
`

function options(): { quick: boolean; json: string | undefined; chart: string | undefined; help: boolean } {
  try {
    const { values } = parseArgs({
      options: { quick: { type: 'boolean' }, json: { type: 'string' }, chart: { type: 'string' }, help: { type: 'boolean' } },
    })
    return { quick: values.quick ?? false, json: values.json, chart: values.chart, help: values.help ?? false }
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

const asked = options()
if (asked.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (process.getuid?.() !== 0) {
  process.stderr.write('bench: needs root, to make network namespaces\n')
  process.exit(1)
}

const effort = asked.quick ? quick : full
const results: ScenarioResult[] = []
for (const [i, scenario] of effort.scenarios.entries()) {
  const progress = (text: string): void => void process.stderr.write(`[${i + 1}/${effort.scenarios.length}] ${text}\n`)
  const result = await measure(scenario, effort.rounds, effort.seconds, progress)
  results.push(result)
  process.stdout.write(`\n${report(result)}\n`)
}
const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', kernel: release() }
const document = { date: new Date().toISOString(), machine, ...effort, scenarios: results, ratios: ratios(results) }
if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(document, null, 2)}\n`)
if (asked.chart !== undefined) writeFileSync(asked.chart, chart(results[0]!))
