/**
 * The long form: on the oldest and the newest kernel the verifier takes the programs, and the datapath's own tests
 * hold. An older one is refused.
 */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { oldestKernelText } from '#abi/requirements.ts'
import { Machine } from '../machine.ts'
import { kernelFor, newest, oldest, tooOld } from '../packages.ts'

/** Tests of speed and of virtual machines are not for an emulated processor. */
const unfit = /fuzz|tap\.test|test-bench/
/** Some files alone: VPC_FILES is a regular expression. */
const wanted = new RegExp(process.env['VPC_FILES'] ?? '')
const files = [...globSync('src/datapath/*.test.ts'), ...globSync('test/datapath/*.test.ts')]
  .filter((file) => !unfit.test(file) && wanted.test(file))
  .sort()

for (const kernel of [oldest, newest].map((wish) => kernelFor(wish)))
  describe(`the tests of the datapath, Linux ${kernel.release}`, () => {
    let machine: Machine
    before(async () => (machine = await Machine.boot({ name: 'datapath', kernel, memoryMiB: 1536 })))
    after(async () => machine?.[Symbol.asyncDispose]())
    for (const file of files)
      test(file, { timeout: 1_800_000 }, async () => {
        // One that takes too long is ended there as well, or the next would wait for it.
        const run = `timeout -k 10 1700 node --test --test-reporter=tap --test-timeout=600000 ${file} >/tmp/result 2>&1`
        const { code } = await machine.shell.run(run, 1_750_000)
        if (code !== 0) assert.fail(await machine.must("grep -E -A12 '^ *not ok' /tmp/result | head -60; tail -n 5 /tmp/result"))
      })
  })

const refused = kernelFor(tooOld)

test(`doctor and daemon refuse an older kernel and say what to do, ${refused.release}`, { timeout: 1_200_000 }, async () => {
  await using machine = await Machine.boot({ name: 'old', kernel: refused })
  const wanted = new RegExp(`kernel: Linux 6\\.\\d+\\..*run Linux ${oldestKernelText} or newer`, 's')
  const doctor = await machine.shell.run('node bin/vpc.mjs doctor 2>&1', 600_000)
  assert.equal(doctor.code, 1, doctor.output)
  assert.match(doctor.output, wanted)
  const daemon = await machine.shell.run('node bin/vpc.mjs daemon 2>&1', 600_000)
  assert.equal(daemon.code, 1, daemon.output)
  assert.match(daemon.output, wanted)
  assert.doesNotMatch(daemon.output, /at \S+ \(|node:internal/)
})
