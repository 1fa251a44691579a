/**
 * A program of the datapath, compiled for this machine's processor beside a kernel of a few hundred lines of C
 * (kernel.h), with libFuzzer and the sanitizers of clang: it looks for frames that are delivered though their sender
 * may not have sent them (oracle.c).
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brokenBy, packCorpus, unpackCorpus, writeInputs } from './corpus.ts'
import { seedsFor } from './seeds.ts'

export const programs = ['unit', 'mux', 'underlay', 'wire'] as const
export type Program = (typeof programs)[number]

const root = join(import.meta.dirname, '../..')
const here = import.meta.dirname
const clang = process.env['CLANG'] ?? 'clang'
const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
/** Few slots of what is remembered: packets of two kinds meet in one, and a key that is not compared shows. */
const fewSlots = ['-DSLOT_BITS=2', '-DVPC_FLOW_SLOT_BITS=2']
const includes = [`-I${join(here, 'shadow')}`, `-I/usr/include/${machine}-linux-gnu`]

/** What all fuzzers are linked with: the kernel's part, and the oracle. */
const parts = ['tables.c', 'packet.c', 'checksums.c', 'stations.c', 'oracle.c', 'upper.c', 'routed.c', 'groups.c', 'ports.c']

/** The maps of a program, as the preprocessor leaves them. */
function mapsOf(program: Program): string[] {
  const text = execFileSync(clang, ['-E', ...includes, join(root, `bpf/${program}.bpf.c`)], { encoding: 'utf8', maxBuffer: 1 << 26 })
  return [...text.matchAll(/(\w+) __attribute__\(\(annotate\("\.maps"\)\)\)/g)].map((match) => match[1]!)
}

/** Ring buffers have neither keys nor values; maps of maps have none in them. */
function registration(map: string): string {
  if (map === 'flows' || map === 'nat_cells') return `REGISTER_MAPS(${map});`
  return /events|^questions$/.test(map) ? `REGISTER_RING(${map});` : `REGISTER_MAP(${map});`
}

const start = promisify(execFile)

/** Compile a program's fuzzer into a directory; gives its path. */
export async function compileFuzzer(program: Program, directory: string): Promise<string> {
  const output = join(directory, `fuzz-${program}`)
  const lines = ['static void register_maps(void)', '{', ...mapsOf(program).map(registration), '}', '']
  mkdirSync(join(directory, program), { recursive: true })
  writeFileSync(join(directory, program, 'registrations.h'), lines.join('\n'))
  const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize=alignment', '-fno-sanitize-recover=all']
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-ignored-attributes', '-Wno-unknown-attributes']
  const sources = [`${program}.c`, ...parts].map((name) => join(here, name))
  const options = [
    '-g',
    '-O1',
    '-fno-strict-aliasing',
    ...sanitizers,
    ...warnings,
    ...fewSlots,
    ...includes,
    `-I${join(directory, program)}`,
  ]
  await start(clang, [...options, ...sources, '-o', output])
  return output
}

/** What a fuzzer found. */
export interface FuzzResult {
  readonly ok: boolean
  readonly runs: number
  /** Frames that were delivered, and judged. */
  readonly judged: number
  readonly output: string
}

/**
 * Run inputs that once broke something, the kept ones, and the seeds; then fuzz for some seconds, in otherwise idle
 * time. Inputs that cover more are left in `directory`.
 */
export async function fuzz(program: Program, path: string, directory: string, seconds: number): Promise<FuzzResult> {
  const found = foundIn(directory, program)
  mkdirSync(found, { recursive: true })
  writeInputs(seedsFor(program), found)
  writeInputs(unpackCorpus(program), found)
  const options = [`-max_total_time=${seconds}`, '-max_len=2000', '-timeout=10', '-print_final_stats=1', `-artifact_prefix=${directory}/`]
  const broken = existsSync(brokenBy(program)) ? [brokenBy(program)] : []
  const { ok, stderr } = await start('nice', ['-n', '10', path, ...options, found, ...broken], { maxBuffer: 1 << 28 }).then(
    (done) => ({ ok: true, stderr: done.stderr }),
    (error: { stderr?: string }) => ({ ok: false, stderr: error.stderr ?? String(error) }),
  )
  const runs = Number(/stat::number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 0)
  const judged = Number(/^judged (\d+) frames/m.exec(stderr)?.[1] ?? 0)
  return { ok, runs, judged, output: reportOf(stderr) }
}

const foundIn = (directory: string, program: Program): string => join(directory, `${program}-found`)

/** The report of a fault, without the lines of progress. */
function reportOf(stderr: string): string {
  const start = stderr.search(/^(a frame was delivered|.*runtime error|==\d+== ?ERROR)/m)
  return start === -1 ? stderr.slice(-2000) : stderr.slice(start)
}

/** Keep, of all inputs that were found, those that together reach all that any of them reaches. Gives how many. */
export function keepFound(program: Program, path: string, directory: string): number {
  const least = join(directory, `${program}-least`)
  mkdirSync(least, { recursive: true })
  execFileSync(path, ['-merge=1', '-max_len=2000', least, foundIn(directory, program)], { stdio: 'ignore' })
  return packCorpus(program, least)
}

/** Inputs that broke a program in this directory. */
export const brokenIn = (directory: string): string[] => readdirSync(directory).filter((name) => /^(crash|timeout|oom|leak)-/.test(name))
