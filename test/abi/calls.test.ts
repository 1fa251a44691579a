/** vpc_open(2) and vpc_ctl(2) as real system calls of C programs, under a real vpcd. Needs root. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestHost } from '../daemon/test-host.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { Programs, runUnder } from './program.ts'

let clean: Snapshot
let host: TestHost
let programs: Programs
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  programs = new Programs()
  await host.start()
})
after(async () => {
  programs[Symbol.dispose]()
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

/** Every check in the program held, and nothing is left of what it made. */
async function holds(name: string, ...flags: readonly string[]): Promise<void> {
  const ran = await runUnder(host.socketPath, [programs.compile(name, ...flags)])
  assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
  await settled()
}

/** Wait until vpcd has seen that all are gone. */
async function settled(): Promise<void> {
  await using mgmt = await host.vpc.mgmt()
  for (let waited = 0; waited < 3000 && (await mgmt.info()).descriptors > 1; waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual([await mgmt.count('any'), (await mgmt.info()).descriptors], [0, 1])
}

for (const flags of [[], ['-static']]) {
  const how = flags.length === 0 ? 'dynamic' : 'static'
  test(`opening gives what the table says, in a ${how} program`, () => holds('open', ...flags))
  test(`operations take and give values by pointer, in a ${how} program`, () => holds('ctl', ...flags))
}
