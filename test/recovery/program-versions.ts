/**
 * Other versions of the programs: one that does the same by other instructions, one that the verifier refuses, and
 * older ones, whose tables have other layouts.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { objectNames } from '#datapath/hook.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import { compileBpf } from '../bpf/compile.ts'

const sources = join(import.meta.dirname, '../../bpf')
const versionsDirectory = join(import.meta.dirname, '../../build/versions')

/** What is put in front of the programs of one object; the other objects are ours. */
const versions = {
  /** A jump to the next instruction. */
  newer: { object: 'unit', instruction: 'goto +0' },
  /** Register 9 holds nothing yet. The programs of most other objects are loaded before it. */
  refused: { object: 'underlay', instruction: 'r0 = *(u64 *)(r9 + 0)' },
} as const

/** Make a version in a directory, for --object-dir. */
export function compileVersion(version: keyof typeof versions, directory: string): string {
  const { object, instruction } = versions[version]
  cpSync(builtObjects(), directory, { recursive: true })
  const text = readFileSync(join(sources, `${object}.bpf.c`), 'utf8')
  const changed = text.replace(/^(int vpc_\w+\(struct \w+ \*\w+\)\n\{\n)/gm, `$1\tasm volatile("${instruction}");\n`)
  if (changed === text) throw new Error(`no program was found in ${object}.bpf.c`)
  writeFileSync(join(directory, `${object}.o`), compileBpf(changed))
  return directory
}

/** The older version's headers: fields that we do not have, before all others; another order; other kinds of maps. */
const otherLayouts: readonly (readonly [file: string, ours: RegExp, theirs: string])[] = [
  ...['vpc_port', 'vpc_fdb_key', 'vpc_neighbour', 'vpc_neighbour_key', 'vpc_flood'].map(
    (name) => ['abi.h', new RegExp(`^struct ${name} \\{\n`, 'm'), `struct ${name} {\n\t__u32 older;\n`] as const,
  ),
  ...['vpc_stats', 'vpc_event'].map(
    (name) => ['abi.h', new RegExp(`^struct ${name} \\{\n`, 'm'), `struct ${name} {\n\t__u64 older;\n`] as const,
  ),
  // In another order, since it lies on the stack, which has little room left.
  ['abi.h', /^(\t__u32 mtu; .*\n)(\t__u32 ifindex; .*\n)/m, '$2$1'],
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

/**
 * Compile an older version, for `installOlder`. Its objects stay in build/versions until their sources change: to
 * compile them takes seconds.
 */
export function compileOlder(version: keyof typeof olderVersions, directory: string): string {
  const from = join(directory, version)
  mkdirSync(from, { recursive: true })
  olderVersions[version](from)
  const kept = join(versionsDirectory, `${version}-${hashOf(from)}`)
  if (existsSync(kept)) return kept
  mkdirSync(versionsDirectory, { recursive: true })
  for (const name of readdirSync(versionsDirectory)) {
    if (name.startsWith(`${version}-`)) rmSync(join(versionsDirectory, name), { recursive: true })
  }
  const part = mkdtempSync(join(versionsDirectory, 'part-'))
  for (const name of objectNames) {
    const source = join(from, `${name}.bpf.c`)
    // An older version may lack one of today's.
    if (existsSync(source)) writeFileSync(join(part, `${name}.o`), compileBpf(readFileSync(source, 'utf8'), from))
  }
  try {
    renameSync(part, kept)
  } catch {
    // Another test file was quicker.
    rmSync(part, { recursive: true })
  }
  return kept
}

function hashOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.[ch]$/.test(name)) hash.update(`${name}\n`).update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex').slice(0, 16)
}
