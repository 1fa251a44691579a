/**
 * The long form: on the oldest and the newest kernel the verifier takes the programs, and the datapath's own tests
 * hold. An older one is refused.
 */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { describe, test } from 'node:test'
import { oldestKernelText } from '#abi/requirements.ts'
import { Machine } from '../machine.ts'
import { kernelFor, newest, oldest, tooOld } from '../packages.ts'

/** Tests of speed and of virtual machines are not for an emulated processor. */
const unfit = /fuzz|tap\.test|test-bench/
const files = [...globSync('src/datapath/*.test.ts'), ...globSync('test/datapath/*.test.ts')].filter((file) => !unfit.test(file)).sort()

describe('the tests of the datapath', () => {
  for (const wish of [oldest, newest])
    test(`on the ${wish === oldest ? 'oldest' : 'newest'} kernel`, { timeout: 3_600_000 }, async (context) => {
      await using machine = await Machine.boot({ name: 'datapath', kernel: kernelFor(wish), memoryMiB: 1536 })
      const failed: string[] = []
      for (const file of files) {
        const run = `node --test --test-reporter=tap --test-timeout=600000 ${file} >/tmp/result 2>&1`
        const { code } = await machine.shell.run(run, 900_000)
        context.diagnostic(`${file}: ${code === 0 ? 'passed' : 'FAILED'}`)
        if (code !== 0) failed.push(`${file}\n${await machine.must("grep -E -A12 '^ *not ok' /tmp/result | head -60")}`)
      }
      assert.deepEqual(failed, [])
    })
})

test('an older kernel is refused by doctor and daemon, with what to do', { timeout: 300_000 }, async () => {
  await using machine = await Machine.boot({ name: 'old', kernel: kernelFor(tooOld) })
  const wanted = new RegExp(`kernel: Linux 6\\.\\d+\\..*run Linux ${oldestKernelText} or newer`, 's')
  const doctor = await machine.shell.run('node bin/vpc.mjs doctor 2>&1', 120_000)
  assert.equal(doctor.code, 1, doctor.output)
  assert.match(doctor.output, wanted)
  const daemon = await machine.shell.run('node bin/vpc.mjs daemon 2>&1', 120_000)
  assert.equal(daemon.code, 1, daemon.output)
  assert.match(daemon.output, wanted)
  assert.doesNotMatch(daemon.output, /at \S+ \(|node:internal/)
})
