/** Containers of the real systemd-nspawn: in a namespace that has an interface, and with an interface that it takes. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrivateVpcd } from '../cli/private-vpcd.ts'
import { makeRoot } from './image.ts'

const netns = `vn${process.pid}-web`
const running = new Set<ChildProcess>()
let vpcd: PrivateVpcd
let root: string
before(async () => {
  vpcd = await PrivateVpcd.start()
  const directory = join(vpcd.directory, 'nspawn')
  mkdirSync(directory)
  root = makeRoot(directory)
  mkdirSync(join(root, 'usr/lib'), { recursive: true })
  vpcd.ok('switch', 'create', 'red', '--vni=7001')
  execFileSync('ip', ['netns', 'add', netns])
})
after(async () => {
  for (const child of running) child.kill('SIGKILL')
  spawnSync('ip', ['netns', 'del', netns])
  await vpcd?.[Symbol.asyncDispose]()
})

/** Run a command in a container until it ends. */
async function nspawn(options: readonly string[], ...command: string[]): Promise<{ code: number | null; out: string }> {
  // It takes an interface without udev only where /sys is read-only, as in a container.
  const script = 'mount --rbind /sys /sys && mount -o remount,ro,bind /sys && exec "$@"'
  const words = ['systemd-nspawn', '--quiet', `--directory=${root}`, '--read-only', '--register=no', '--keep-unit', '--pipe', ...options]
  const all = [`--net=/run/netns/${vpcd.netns}`, 'timeout', '60', 'unshare', '--mount', 'sh', '-c', script, 'sh', ...words, ...command]
  const child = spawn('nsenter', all, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (out += text))
  const [code] = (await once(child, 'close')) as [number | null]
  running.delete(child)
  return { code, out }
}

test('in a namespace with an interface: at each start the same', async () => {
  vpcd.ok('attach', 'red', `--netns=${netns}`, '--address=10.1.0.5/24')
  vpcd.ok('hostif', 'create', 'peer')
  vpcd.ok('switch', 'port', 'add', 'peer', '--switch-id=red')
  vpcd.ok('switch', 'port', 'set', '--port-id=peer', '--address=10.1.0.6')
  vpcd.ok('switch', 'port', 'connect', '--port-id=peer', '--interface-id=peer')
  const unit = unitOf('peer')
  const ip = (...args: string[]): unknown => execFileSync('ip', ['-n', vpcd.netns, ...args])
  ip('address', 'add', '10.1.0.6/24', 'dev', unit)
  ip('link', 'set', unit, 'up')
  for (let start = 1; start <= 2; start++) {
    const { code, out } = await nspawn([`--network-namespace-path=/run/netns/${netns}`], '/bin/ping', '-c', '2', '-W', '2', '10.1.0.6')
    assert.equal(code, 0, out)
  }
  vpcd.ok('detach', 'red', `--netns=${netns}`)
})

const unitOf = (name: string): string => (JSON.parse(vpcd.ok('hostif', 'get', `--hostif-id=${name}`, '--json')) as { unit: string }).unit

test('with an interface that it takes: vpcd makes it again after it went with the container', async () => {
  vpcd.ok('hostif', 'create', 'db')
  vpcd.ok('switch', 'port', 'add', 'db', '--switch-id=red')
  vpcd.ok('switch', 'port', 'set', '--port-id=db', '--address=10.1.0.7')
  vpcd.ok('switch', 'port', 'connect', '--port-id=db', '--interface-id=db')
  const unit = unitOf('db')
  const setUp = `ip address add 10.1.0.7/24 dev ${unit} && ip link set ${unit} up && ping -c 2 -W 2 10.1.0.6`
  for (let start = 1; start <= 2; start++) {
    const { code, out } = await nspawn([`--network-interface=${unit}`], '/bin/sh', '-c', setUp)
    assert.equal(code, 0, out)
    for (const end = performance.now() + 20_000; vpcd.vpc('audit', '--repair').code !== 0; await sleep(100))
      assert.ok(performance.now() < end, vpcd.vpc('audit').stdout)
  }
})

test('nothing is left', () => {
  for (const name of ['peer', 'db']) {
    vpcd.ok('switch', 'port', 'remove', `--port-id=${name}`, '--switch-id=red')
    vpcd.ok('hostif', 'destroy', `--hostif-id=${name}`)
  }
  vpcd.ok('switch', 'destroy', 'red')
  vpcd.ok('audit')
  assert.deepEqual(vpcd.devices().sort(), ['em0', 'wire0'])
})
