/** The command line of the test runner. */
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { isIntegration, isLong, tiers, type Tier } from './tiers.ts'

export interface Options {
  readonly tiers: readonly Tier[]
  readonly jobs: number
  readonly files: readonly string[]
  readonly nodeOptions: readonly string[]
}

/** Exit with a message about the wrong option. */
export function fail(message: string): never {
  process.stderr.write(`run-tests: ${message}\n`)
  process.exit(2)
}

function readTier(name: string | undefined): Tier {
  if (name !== undefined && Object.hasOwn(tiers, name)) return name as Tier
  const known = Object.entries(tiers).map(([tier, { needs }]) => `  ${tier.padEnd(8)} needs ${needs}`)
  return fail(`--tier takes one of these${name === undefined ? '' : `, not '${name}'`}:\n${known.join('\n')}`)
}

function readJobs(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d?$/.test(text)) return Number(text)
  return fail(`--jobs takes a number from 1 to 99${text === undefined ? '' : `, not '${text}'`}`)
}

/** Files wait for the kernel about a third of their time: two processors have work for three files. */
const defaultJobs = (): number => Math.min(3, Math.ceil(availableParallelism() * 1.5))

/** Read the command line. Ends the process when it cannot be taken. */
export function readOptions(args: readonly string[]): Options {
  const chosen: Tier[] = []
  const files: string[] = []
  const nodeOptions: string[] = []
  let jobs = defaultJobs()
  for (let i = 0; i < args.length; i++) {
    const [name, value] = args[i]!.split(/=(.*)/s) as [string, string?]
    if (name === '--tier') chosen.push(readTier(value ?? args[++i]))
    else if (name === '--jobs') jobs = readJobs(value ?? args[++i])
    else if (name.startsWith('-')) nodeOptions.push(args[i]!)
    else files.push(...found(args[i]!))
  }
  return { tiers: chosen, jobs, files: files.length > 0 ? files : allFiles(chosen), nodeOptions }
}

/** Those of `npm test`; of the long ones, if that tier is chosen. */
const allFiles = (chosen: readonly Tier[]): string[] =>
  globSync('{src,bench,test,scripts}/**/*.test.ts')
    .filter((file) => !isIntegration(file) && (chosen.includes('long') || !isLong(file)))
    .sort()

/** A file, or all test files below a folder. */
function found(path: string): string[] {
  const file = relative('.', resolve(path))
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return fail(`there is no ${path}`)
  return stat.isDirectory() ? globSync(`${file}/**/*.test.ts`).sort() : [file]
}
