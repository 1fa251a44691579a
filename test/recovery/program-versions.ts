/**
 * Other versions of the programs: one that does the same by other instructions, one that the verifier refuses, and
 * older ones, whose tables have other layouts.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { objectNames } from '#datapath/hook.ts'
import { compileBpf } from '../bpf/compile.ts'

const sources = join(import.meta.dirname, '../../bpf')

/** What is put in front of every program. */
const instructions = {
  /** A jump to the next instruction. */
  newer: 'goto +0',
  /** Register 9 holds nothing yet. */
  refused: 'r0 = *(u64 *)(r9 + 0)',
} as const

/** Compile a version into a directory, for --object-dir. */
export function compileVersion(version: keyof typeof instructions, directory: string): string {
  mkdirSync(directory, { recursive: true })
  for (const name of objectNames) {
    const text = readFileSync(join(sources, `${name}.bpf.c`), 'utf8')
    const changed = text.replace(/^(int vpc_\w+\(struct \w+ \*\w+\)\n\{\n)/gm, `$1\tasm volatile("${instructions[version]}");\n`)
    if (changed === text) throw new Error(`no program was found in ${name}.bpf.c`)
    writeFileSync(join(directory, `${name}.o`), compileBpf(changed))
  }
  return directory
}

/** The older version's headers: fields that we do not have, before all others; and other kinds of maps. */
const otherLayouts: readonly (readonly [file: string, ours: RegExp, theirs: string])[] = [
  ...['vpc_dst', 'vpc_port', 'vpc_fdb_key', 'vpc_neighbour', 'vpc_neighbour_key', 'vpc_flood'].map(
    (name) => ['abi.h', new RegExp(`^struct ${name} \\{\n`, 'm'), `struct ${name} {\n\t__u32 older;\n`] as const,
  ),
  ...['vpc_stats', 'vpc_event'].map(
    (name) => ['abi.h', new RegExp(`^struct ${name} \\{\n`, 'm'), `struct ${name} {\n\t__u64 older;\n`] as const,
  ),
  ['lib/maps.h', /BPF_MAP_TYPE_LRU_HASH/g, 'BPF_MAP_TYPE_HASH'],
]

/** Sources of older versions. */
export const olderVersions = {
  /** Every kind of table differs from ours. */
  otherLayouts(directory: string): void {
    cpSync(sources, directory, { recursive: true })
    for (const [file, ours, theirs] of otherLayouts) {
      const path = join(directory, file)
      const text = readFileSync(path, 'utf8')
      const changed = text.replace(ours, theirs)
      if (changed === text) throw new Error(`${file} has nothing like ${ours}`)
      writeFileSync(path, changed)
    }
  },
  /** The first version of all, as it was. */
  first(directory: string): void {
    execFileSync('tar', ['-xzf', join(import.meta.dirname, 'first-layouts.tar.gz'), '--strip-components=1', '-C', directory])
  },
} as const

/** Compile an older version below a directory, for `installOlder`. */
export function compileOlder(version: keyof typeof olderVersions, directory: string): string {
  const [from, to] = [join(directory, version, 'source'), join(directory, version, 'objects')]
  for (const path of [from, to]) mkdirSync(path, { recursive: true })
  olderVersions[version](from)
  for (const name of objectNames) {
    const source = join(from, `${name}.bpf.c`)
    // An older version may lack one of today's.
    if (existsSync(source)) writeFileSync(join(to, `${name}.o`), compileBpf(readFileSync(source, 'utf8'), from))
  }
  return to
}
