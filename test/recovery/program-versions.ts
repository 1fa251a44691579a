/** Other versions of the programs: one that does the same by other instructions, and one that the verifier refuses. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
    const changed = text.replace(/^(int vpc_\w+\(struct __sk_buff \*skb\)\n\{\n)/gm, `$1\tasm volatile("${instructions[version]}");\n`)
    if (changed === text) throw new Error(`no program was found in ${name}.bpf.c`)
    writeFileSync(join(directory, `${name}.o`), compileBpf(changed))
  }
  return directory
}
