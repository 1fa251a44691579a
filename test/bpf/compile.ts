/** eBPF objects that a test compiles itself, by clang as scripts/build-bpf does. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch

/** Compile C source; `#include "abi.h"` finds ours, or that of another directory. The result is the object file. */
export function compileBpf(source: string, headers = join(root, 'bpf')): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-bpf-'))
  try {
    const [input, output] = [join(directory, 'a.c'), join(directory, 'a.o')]
    writeFileSync(input, source)
    const flags = [
      '-O2',
      '-g',
      '-Wall',
      '-target',
      'bpf',
      '-mcpu=v3',
      '-fno-strict-aliasing',
      `-I/usr/include/${machine}-linux-gnu`,
      `-I${headers}`,
    ]
    execFileSync(process.env.CLANG ?? 'clang', [...flags, '-c', input, '-o', output])
    return readFileSync(output)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Compile a file of test/bpf. */
export const compileBpfFile = (name: string): Uint8Array => compileBpf(readFileSync(join(import.meta.dirname, name), 'utf8'))
