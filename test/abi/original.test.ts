/** What the original's programs do, byte for byte, and what then becomes of it on the host. Needs root. */
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

/** Run it in the host's network namespace, whose devices it looks at; `ip netns exec` has /sys show them. */
async function original(...args: string[]): Promise<void> {
  const ran = await runUnder(host.socketPath, ['ip', 'netns', 'exec', host.netns, programs.compile('original'), ...args])
  assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
}

test('devices, connections, forwarding entries and answers are as programs of 2018 expect them', () => original())

test('what was closed is gone for the next question by a socket too', async () => {
  const ran = await runUnder(host.socketPath, [programs.compile('closed')])
  assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
})

test('two guests on VNI 0, with nothing told about neighbours, reach each other', async () => {
  await original('example')
  const a = host.guest('a', 'hostif0', '10.1.0.1/24')
  const b = host.guest('b', 'hostif1', '10.1.0.2/24')
  for (const [guest, device, address] of [
    ['a', 'hostif0', 'fd01::1/64'],
    ['b', 'hostif1', 'fd01::2/64'],
  ] as const)
    (guest === 'a' ? a : b)('ip', '-6', 'address', 'add', address, 'dev', device, 'nodad')
  for (const [from, to] of [
    [a, '10.1.0.2'],
    [b, '10.1.0.1'],
    [a, 'fd01::2'],
    [b, 'fd01::1'],
  ] as const)
    assert.match(from('ping', '-n', '-c', '2', '-i', '0.2', '-W', '3', to), /2 received/)
  // Nor does a question for nobody disturb: it goes to all, and is not an event of a listener.
  assert.throws(() => a('ping', '-n', '-c', '1', '-W', '1', '10.1.0.77'))
  await using mgmt = await host.vpc.mgmt()
  assert.deepEqual(
    (await mgmt.stats()).map(({ missed, drops }) => [missed, drops['no_neighbour'] ?? 0]),
    [
      [0, 0],
      [0, 0],
    ],
  )
})
