/** `vpc drops`: a real packet is dropped, is counted, and is seen by who follows. Needs root. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import type { DropEvent } from '#abi/info.ts'
import { dropReasons } from '#datapath/layout.ts'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc, vpcPath } from './run-vpc.ts'

const sw = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
const port = 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e'
const hostif = '1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3'

let vpcd: PrivateVpcd

before(async () => {
  vpcd = await PrivateVpcd.start()
  vpcd.ok('switch', 'create', '--switch-id', sw, '--vni', '5001')
  vpcd.ok('switch', 'port', 'add', '--switch-id', sw, '--port-id', port)
  vpcd.ok('hostif', 'create', '--hostif-id', hostif)
  vpcd.ok('switch', 'port', 'connect', '--port-id', port, '--interface-id', hostif)
  for (const line of ['link set hostif0 up', 'address add 10.0.0.1/24 dev hostif0'])
    assert.equal(spawnSync('ip', ['-n', vpcd.netns, ...line.split(' ')]).status, 0, line)
})

after(async () => {
  for (const child of followers) child.kill()
  await vpcd[Symbol.asyncDispose]()
})

/** Ask for a neighbour that nobody knows: the question is dropped. */
const askForNobody = (): Promise<unknown[]> =>
  ended(spawn('nsenter', [`--net=/run/netns/${vpcd.netns}`, 'ping', '-c', '1', '-W', '1', '10.0.0.99'], { stdio: 'ignore' }))

const ended = (child: ChildProcess): Promise<unknown[]> => new Promise((resolve) => child.once('exit', (...how) => resolve(how)))

/** Drop packets, one after the other, until something has come. Fails when it does not come in ten seconds. */
async function dropUntil<T>(come: Promise<T>): Promise<T> {
  let hasCome = false
  const noted = come.then((value) => {
    hasCome = true
    return value
  })
  for (let i = 0; i < 10; i++) {
    await askForNobody()
    if (hasCome) return noted
  }
  assert.fail('it has not come in ten seconds')
}

const followers: ChildProcess[] = []

function follow(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(vpcPath, ['drops', '--follow', ...args], { env: { ...process.env, ...vpcd.env } })
  followers.push(child)
  return child
}

/** The first line that is printed of a kind. */
const lineOf = (child: ChildProcessWithoutNullStreams, wanted: RegExp): Promise<string> =>
  new Promise((resolve) => createInterface({ input: child.stdout }).on('line', (line) => wanted.test(line) && resolve(line)))

test('a dropped packet is shown as one line with its headers', async () => {
  const child = follow('--utc')
  const line = await dropUntil(lineOf(child, /no_neighbour/))
  assert.match(
    line,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z  hostif0 \(vpcp0\)  no_neighbour  vni 5001  4a:6d:2a:d1:f0:c3 > ff:ff:ff:ff:ff:ff .*10\.0\.0\.99.* len 42/,
  )
  child.kill('SIGINT')
  assert.deepEqual(await ended(child), [null, 'SIGINT'])
})

test('with --json each is a line of JSON', async () => {
  const child = follow('--json')
  const event = JSON.parse(await dropUntil(lineOf(child, /no_neighbour/))) as DropEvent
  assert.deepEqual([event.unit, event.port, event.vni, event.length], ['hostif0', 'vpcp0', 5001, 42])
  child.kill('SIGINT')
  await ended(child)
})

test('who follows ends quietly when nobody reads', async () => {
  const child = follow()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await dropUntil(lineOf(child, /no_neighbour/))
  child.stdout.destroy()
  assert.deepEqual([await dropUntil(ended(child)), stderr], [[0, null], ''])
})

test('dropped packets are counted by port and reason', async () => {
  await askForNobody()
  assert.match(vpcd.ok('drops'), /^ UNIT +INTERFACE +REASON +PACKETS\n(.*\n)* vpcp0 +hostif0 +no_neighbour +\d+\n/)
  assert.match(vpcd.ok('stats'), / vpcp0 +hostif0( +\d+){11}\n/)
})

test('a reason and a unit can be asked for alone, and a reason is explained', async () => {
  await askForNobody()
  const counters = (...args: string[]) => JSON.parse(vpcd.ok('drops', '--json', ...args)) as { unit: string; reason: string }[]
  assert.ok(counters().length > 1)
  assert.deepEqual(
    counters('--reason=no-neighbour', '--unit=hostif0').map(({ unit, reason }) => [unit, reason]),
    [['vpcp0', 'no_neighbour']],
  )
  assert.match(vpcd.ok('drops', '--unit=vpcp0', '--reason=vrrp'), /^no packet of vpcp0 was dropped for vrrp$/m)
  vpcd.ok('name', 'vpcp0', 'front')
  assert.deepEqual(counters('--unit=front'), counters('--unit=vpcp0'))
  vpcd.ok('name', 'front', 'none')
  const strange = runVpc(['drops', '--unit=vpcp9'], { env: vpcd.env })
  assert.deepEqual([strange.code, /there is no unit 'vpcp9' on this host/.test(strange.stderr)], [1, true], strange.stderr)
  assert.match(vpcd.ok('drops', '--explain=no_neighbour'), /no neighbour has that address\nwhat to do: .*vpc switch neighbour set/)
  const all = JSON.parse(vpcd.ok('drops', '--explain=all', '--json')) as { reason: string }[]
  assert.deepEqual(['none', ...all.map(({ reason }) => reason)], dropReasons)
  const { code, stderr } = runVpc(['drops', '--explain=nosuch'])
  assert.deepEqual([code, /not a drop reason; see all/.test(stderr)], [2, true], stderr)
})

test('who follows changes sees them, and goes on after a revision', async () => {
  const child = spawn(vpcPath, ['changes'], { env: { ...process.env, ...vpcd.env } })
  followers.push(child)
  const reset = await lineOf(child, /reset/)
  const changed = lineOf(child, /change  vpcsw0/)
  vpcd.ok('switch', 'set', '--switch-id', sw, '--flood-unknown', 'on')
  assert.match(await changed, new RegExp(`^[0-9a-f]{8}-\\d+  change  vpcsw0  ${sw}$`))
  child.kill()
  const [revision] = reset.split(' ')
  const later = spawn(vpcPath, ['changes', '--from', revision!], { env: { ...process.env, ...vpcd.env } })
  followers.push(later)
  assert.match(await lineOf(later, /vpcsw0/), /change {2}vpcsw0/)
})
