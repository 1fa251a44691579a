/**
 * The real programs under fuzzers that are led by coverage, side by side; VPC_FUZZ_SECONDS sets how long.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { compileFuzzer, fuzz, programs } from './fuzzer.ts'

const seconds = Number(process.env['VPC_FUZZ_SECONDS'] ?? 16)

suite('no frame is delivered that its sender may not have sent', { concurrency: true }, () => {
  for (const program of programs)
    test(`by ${program}`, { timeout: (seconds + 400) * 1000 }, async (context) => {
      const directory = mkdtempSync(join(tmpdir(), 'vpc-fuzz-'))
      try {
        const { ok, runs, judged, output } = await fuzz(program, await compileFuzzer(program, directory), directory, seconds)
        assert.ok(ok, output.slice(-6000))
        assert.ok(runs > seconds * 50, `only ${runs} inputs in ${seconds} s`)
        assert.ok(judged > runs / 50, `only ${judged} frames of ${runs} inputs were delivered: the scene misses something`)
        context.diagnostic(`${runs} inputs, ${judged} frames judged`)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
})
