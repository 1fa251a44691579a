/** The real programs under a fuzzer that is led by coverage; VPC_FUZZ_SECONDS sets how long each takes its turn. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileFuzzer, fuzz, programs } from './fuzzer.ts'

const seconds = Number(process.env['VPC_FUZZ_SECONDS'] ?? 8)

for (const program of programs)
  test(`${program} delivers no frame that its sender may not have sent`, { timeout: (seconds + 120) * 1000 }, (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'vpc-fuzz-'))
    try {
      const { ok, runs, judged, output } = fuzz(program, compileFuzzer(program, directory), directory, seconds)
      assert.ok(ok, output.slice(-6000))
      assert.ok(runs > seconds * 200, `only ${runs} inputs in ${seconds} s`)
      assert.ok(judged > runs / 50, `only ${judged} frames of ${runs} inputs were delivered: the scene misses something`)
      context.diagnostic(`${runs} inputs, ${judged} frames judged`)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
