/**
 * Runs test files, each in namespaces of its own (scripts/enclose), some at a time; says what failed, which were slow
 * and which took more than their budget: test/runner/run-tests.ts [--tier NAME]... [--jobs N] [NODE-OPTION]...
 * [FILE]...
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fail, readOptions } from './options.ts'
import { alone, budgetOf, isIntegration, tierOf } from './tiers.ts'

/**
 * A file may take this many times its budget before it is ended: machines are shared, and differ. VPC_TEST_SECONDS
 * gives long forms of tests more.
 */
const PATIENCE = 6
const LEAST_PATIENCE_SECONDS = Number(process.env['VPC_TEST_SECONDS'] ?? 120)
const SLOWEST = 10

interface Outcome {
  readonly file: string
  readonly seconds: number
  /** Seconds that its processes kept processors busy; NaN when that is not known. */
  readonly cpuSeconds: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly ok: boolean
  readonly output: string
}

/** Compiled modules: each file starts some processes of Node, and to compile is most of a short one's time. */
const env = { ...process.env, NODE_COMPILE_CACHE: resolve('build/compiled') }

const directory = mkdtempSync(join(tmpdir(), 'vpc-tests-'))
const running = new Set<number>()
/** What still waits: files that run side by side, and those that run alone. */
const queued: string[][] = []
let interrupted = false

/** Run one file to its end. */
function runFile(file: string, nodeOptions: readonly string[], live: boolean): Promise<Outcome> {
  const summary = join(directory, file.replaceAll('/', '_'))
  const limit = Math.max(LEAST_PATIENCE_SECONDS, PATIENCE * budgetOf(file))
  const reporters = ['spec', 'stdout', './test/runner/summary.mjs', summary]
  const flags = reporters.map((value, i) => `--test-reporter${i % 2 === 0 ? '' : '-destination'}=${value}`)
  const command = ['timeout', '--foreground', '--kill-after=20', String(limit)]
  const timeout = Math.max(180, limit) * 1000
  const node = [process.execPath, '--test', '--test-isolation=none', `--test-timeout=${timeout}`, ...flags, ...nodeOptions, file]
  const began = performance.now()
  const enclose = isIntegration(file) ? 'scripts/enclose-cgroups' : 'scripts/enclose'
  const times = `${summary}.times`
  const child = spawn(enclose, [...command, ...node], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env, VPC_TIMES: times } })
  running.add(child.pid!)
  let output = ''
  const take = (text: string): void => {
    if (live) process.stdout.write(text)
    else output += text
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  return new Promise((done) =>
    child.once('close', (status) => {
      running.delete(child.pid!)
      const seconds = (performance.now() - began) / 1000
      if (status === 124) output += `\nrun-tests: ${file} was ended after ${limit} s\n`
      done({ file, seconds, cpuSeconds: readTimes(times), output, ...counts(summary, status === 0) })
    }),
  )
}

/** The sum of what `times` of a shell wrote: 0m1.20s 0m0.30s, for itself and for its children. */
function readTimes(path: string): number {
  try {
    return [...readFileSync(path, 'utf8').matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0)
  } catch {
    return NaN
  }
}

function counts(summary: string, ok: boolean): Pick<Outcome, 'ok' | 'passed' | 'failed' | 'skipped'> {
  try {
    const { passed, failed, cancelled, skipped, success } = JSON.parse(readFileSync(summary, 'utf8'))
    return { passed, failed: failed + cancelled, skipped, ok: ok && success }
  } catch {
    // It ended before it could say: at least one test did not pass.
    return { passed: 0, failed: 1, skipped: 0, ok: false }
  }
}

const line = ({ file, seconds, cpuSeconds, passed, ok }: Outcome): string =>
  `${ok ? '✔' : '✖'} ${seconds.toFixed(1).padStart(6)} s ${cpuSeconds.toFixed(1).padStart(6)} cpu ${String(passed).padStart(4)}  ${file}`

/** Take files off a queue until it is empty; `workers` at a time. */
async function drain(queue: string[], workers: number, run: (file: string) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await run(file)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}

function report(outcomes: readonly Outcome[], seconds: number): void {
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => outcomes.reduce((total, one) => total + one[key], 0)
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const slow = outcomes.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
  if (outcomes.length > 1) {
    say(`\nthe slowest files:`)
    for (const one of slow) say(`${one.seconds.toFixed(1).padStart(8)} s of ${String(budgetOf(one.file)).padStart(3)}  ${one.file}`)
  }
  const over = outcomes.filter((one) => one.seconds > budgetOf(one.file))
  if (over.length > 0) {
    say(`\nover their budget (test/runner/tiers.ts): the machine is busy, or the tests have grown:`)
    for (const { file, seconds: took } of over) say(`${took.toFixed(1).padStart(8)} s, not ${budgetOf(file)}  ${file}`)
  }
  const bad = outcomes.filter(({ ok }) => !ok)
  if (bad.length > 0) say(`\nfailed:\n${bad.map(({ file }) => `  ${file}`).join('\n')}`)
  const skipped = sum('skipped') === 0 ? '' : `, ${sum('skipped')} skipped`
  const cpu = outcomes.reduce((total, one) => total + (one.cpuSeconds || 0), 0)
  say(
    `\n${outcomes.length} files in ${seconds.toFixed(0)} s, ${cpu.toFixed(0)} s of processors\n${sum('passed')} passed, ${sum('failed')} failed${skipped}`,
  )
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const chosen = options.files.filter((file) => options.tiers.length === 0 || options.tiers.includes(tierOf(file)))
  if (chosen.length === 0) fail('no test file is chosen')
  // The longest first, so that the last ones do not wait for one.
  const files = chosen.toSorted((a, b) => budgetOf(b) - budgetOf(a))
  const live = files.length === 1
  const outcomes: Outcome[] = []
  const began = performance.now()
  const run = async (file: string): Promise<void> => {
    const outcome = await runFile(file, options.nodeOptions, live)
    outcomes.push(outcome)
    process.stdout.write(outcome.ok || live ? `${line(outcome)}\n` : `${line(outcome)}\n${outcome.output}\n`)
  }
  await drain(
    files.filter((file) => !alone.includes(file)),
    options.jobs,
    run,
  )
  await drain(
    files.filter((file) => alone.includes(file)),
    1,
    run,
  )
  report(outcomes, (performance.now() - began) / 1000)
  process.exitCode = interrupted || outcomes.some(({ ok }) => !ok) ? 1 : 0
}

process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true
    queued.forEach((queue) => queue.splice(0))
    // scripts/enclose ends all that it started.
    for (const pid of running) process.kill(pid, 'SIGTERM')
  })
}
await main()
