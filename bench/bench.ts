/**
 * `npm run bench`: measures the datapath beside its peers, prints tables, writes JSON, a chart and the tables of a
 * document.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { interrupt } from './bed.ts'
import { chart } from './chart.ts'
import { intoDocument, markdown } from './document.ts'
import { parseOptions, usage, UsageError, type Options } from './options.ts'
import { isMeasured, measurePart, partSeconds } from './parts.ts'
import { duration, Progress } from './progress.ts'
import { complete, continued, nothing, takenOf, thisMachine, type Measured } from './results.ts'
import { full, quick, type Part, type Run } from './scenario.ts'
import { choose, nameOf } from './selection.ts'

/** A person interrupted the run: everything is taken down. */
class Interrupted extends Error {}

function fail(message: string, status: number): never {
  process.stderr.write(`bench: ${message}\n`)
  process.exit(status)
}

function readOptions(): Options {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options !== 'help') return options
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    fail(`${error.message}\n${usage}`, 2)
  }
  process.stdout.write(usage)
  process.exit(0)
}

function runOf({ quick: isQuick, rounds, seconds, only }: Options): Run {
  const usual = isQuick ? quick : full
  const among = isQuick && only.length === 0 ? quick.parts : full.parts
  return {
    rounds: rounds ?? usual.rounds,
    seconds: seconds ?? usual.seconds,
    tableSizes: { rounds: rounds === undefined ? usual.tableSizes.rounds : 3 * rounds, seconds: seconds ?? usual.tableSizes.seconds },
    parts: choose(among, only),
  }
}

/** The results that `--json` has already, where they are to be kept. */
function kept({ json, only, resume }: Options): Measured {
  if (json === undefined || !existsSync(json) || (only.length === 0 && !resume)) return nothing
  try {
    return continued(readFileSync(json, 'utf8'), thisMachine())
  } catch (error) {
    fail(`cannot add to ${json}: ${(error as Error).message}; give another file`, 1)
  }
}

/** Incomplete tables must not replace complete ones: say so before spending an hour. */
function checkDocument({ document }: Options, before: Measured, parts: readonly Part[]): void {
  if (document === undefined) return
  intoDocument(readFileSync(document, 'utf8'), '')
  const lacking = full.parts.filter((part) => takenOf(before, part) === undefined && !parts.some((one) => nameOf(one) === nameOf(part)))
  if (lacking.length === 0) return
  const names = lacking.map((part) => `  ${nameOf(part)}`).join('\n')
  fail(`--document has a place for these too, which are neither measured now nor kept in a --json FILE that is added to:\n${names}`, 2)
}

/** Write a file in one step, so that a reader never sees a part of it. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

const options = readOptions()
const run = runOf(options)
if (run.parts.length === 0) fail(`--only ${options.only.join(' --only ')} chooses nothing; --list has all names`, 2)
const before = kept(options)
const parts = options.resume ? run.parts.filter((part) => !isMeasured(before, part, run)) : run.parts
checkDocument(options, before, parts)
const expected = parts.reduce((sum, part) => sum + partSeconds(part, run), 0)

if (options.list) {
  for (const part of parts) process.stdout.write(`${duration(partSeconds(part, run)).padStart(8)}  ${nameOf(part)}\n`)
  process.stdout.write(`${duration(expected).padStart(8)}  in all\n`)
  process.exit(0)
}
if (process.getuid?.() !== 0) fail('needs root, to make network namespaces', 1)

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    process.stderr.write(interrupted ? 'bench: still taking everything down\n' : 'bench: taking everything down\n')
    interrupted = true
    interrupt()
  })

async function measureAll(): Promise<Measured> {
  let measured = before
  let prefix = ''
  const progress = new Progress(expected, (text) => {
    if (interrupted) throw new Interrupted()
    process.stderr.write(`${prefix}${text}\n`)
  })
  for (const [i, part] of parts.entries()) {
    prefix = `[${i + 1}/${parts.length}] `
    progress.step(nameOf(part))
    const [after, text] = await measurePart(part, run, measured, progress)
    measured = after
    process.stdout.write(`\n${text}\n\n`)
    if (options.json !== undefined) write(options.json, `${JSON.stringify(complete(measured, thisMachine()), null, 2)}\n`)
  }
  return measured
}

process.stderr.write(
  `bench: ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}, ${run.rounds} rounds of ${run.seconds} s: about ${duration(expected)}\n`,
)
try {
  const results = complete(await measureAll(), thisMachine())
  if (options.chart !== undefined && results.scenarios[0]) write(options.chart, chart(results.scenarios[0]))
  if (options.document !== undefined) write(options.document, intoDocument(readFileSync(options.document, 'utf8'), markdown(results)))
} catch (error) {
  // Ctrl-C ends the measuring programs too, which looks like their failure.
  if (!interrupted) throw error
  const rest =
    options.json !== undefined && existsSync(options.json) ? `; ${options.json} has what was finished, --resume goes on from there` : ''
  process.stderr.write(`bench: interrupted${rest}\n`)
  process.exitCode = 130
}
