/** vpc_open(2) and vpc_ctl(2) as real system calls of C programs, under a real vpcd. Needs root. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { Programs, runUnder } from './program.ts'

let clean: Snapshot
let host: TestHost
let programs: Programs
let daemon: Daemon
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  programs = new Programs()
  host.ip('address', 'add', 'fd00::1/64', 'dev', 'wan', 'nodad')
  daemon = await host.start()
})
after(async () => {
  programs[Symbol.dispose]()
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

/** Every check in the program held, and none of its objects is left. */
async function holds(name: string, { flags = [], args = [] }: { flags?: readonly string[]; args?: readonly string[] } = {}): Promise<void> {
  const ran = await runUnder(host.socketPath, [programs.compile(name, ...flags), ...args])
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
  test(`opening gives what the table says, in a ${how} program`, () => holds('open', { flags }))
  test(`operations take and give values by pointer, in a ${how} program`, () => holds('ctl', { flags }))
}

test('what old callers did is taken: varints, bits left out, both layouts of sockaddr', () => holds('sloppy'))
test('descriptors are shared as any others are', () => holds('share'))
test('threads of many processes call at once', () => holds('threads'))
test("pointers that are not the program's are EFAULT", () => holds('fault'))
for (const how of ['restart', 'interrupt'])
  test(`signals do not do a call twice, nor half (${how})`, () => holds('signals', { args: [how] }))
test('a process that dies in a call leaves nothing', () => holds('die', { args: ['150'] }))

for (const seed of [1, 2, 3])
  test(`random calls harm nobody, seed ${seed}`, async () => {
    const ran = await runUnder(host.socketPath, [programs.compile('fuzz'), String(seed * 0x9e3779b9), '3000'])
    assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
    await using mgmt = await host.vpc.mgmt()
    const left = await mgmt.describeAll()
    for (const { id, type, committed } of left) {
      // A random call may have been a commit.
      assert.ok(committed, `${type} ${id}`)
      await using object = await host.vpc.open(id, type, { write: true })
      await object.destroy()
    }
    await mgmt.close()
    await settled()
  })

test('vpcd has said nothing of failures inside', () => {
  assert.deepEqual(
    daemon.lines.filter((line) => line.includes('"level":"error"')),
    [],
  )
})
