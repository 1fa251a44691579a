/**
 * The long form of the fuzzers: `npm run fuzz -- [SECONDS] [PROGRAM...]`; keeps in test/corpus what reaches more than
 * before.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { brokenIn, compileFuzzer, fuzz, keepFound, programs } from './fuzzer.ts'

const [seconds = '600', ...chosen] = process.argv.slice(2)
const directory = join(import.meta.dirname, '../../build/fuzz')
const unknown = chosen.filter((name) => !programs.some((program) => program === name))

if (!/^\d+$/.test(seconds) || unknown.length > 0) {
  console.error(`fuzz: say how many seconds, then any of ${programs.join(', ')}`)
  process.exit(2)
}
mkdirSync(directory, { recursive: true })
for (const program of programs.filter((name) => chosen.length === 0 || chosen.includes(name))) {
  const path = await compileFuzzer(program, directory)
  console.log(`fuzz: ${program} for ${seconds} s`)
  const { ok, runs, output } = await fuzz(program, path, directory, Number(seconds))
  if (ok) console.log(`fuzz: ${program}: ${runs} inputs, nothing found; ${keepFound(program, path, directory)} kept`)
  else {
    console.log(`${output}\nfuzz: ${program}: ${brokenIn(directory).join(' ')} in ${directory}; run ${path} with it`)
    process.exitCode = 1
  }
}
