/** Containers of the real LXC: with an interface of its kind `phys`, and with `vpc attach --container`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../cli/machines.ts'
import { PrivateVpcd } from '../cli/private-vpcd.ts'
import { makeRoot } from './image.ts'
import { shownCommands, shownLines } from './shown.ts'

let vpcd: PrivateVpcd
let directory: string
before(async () => {
  vpcd = await PrivateVpcd.start()
  directory = join(vpcd.directory, 'lxc')
  mkdirSync(directory)
  makeRoot(directory)
  vpcd.ok('switch', 'create', 'red', '--vni=7001')
})
after(async () => {
  for (const name of ['web', 'db', 'app', 'log']) run('lxc-stop', name, '--kill')
  await vpcd?.[Symbol.asyncDispose]()
})

/** A command of LXC for a container, on the host of vpcd. */
const run = (command: string, name: string, ...args: string[]): { status: number | null; out: string } => {
  const words = [`--net=/run/netns/${vpcd.netns}`, 'timeout', '60', command, `--lxcpath=${directory}`, `--name=${name}`, ...args]
  const { status, stdout, stderr } = spawnSync('nsenter', words, { encoding: 'utf8' })
  return { status, out: `${stdout}${stderr}` }
}
function ok(...args: Parameters<typeof run>): string {
  const { status, out } = run(...args)
  assert.equal(status, 0, `${args.join(' ')}: ${out}`)
  return out
}

/** A container with these lines about its network. */
function define(name: string, network: readonly string[]): void {
  mkdirSync(join(directory, name))
  const common = [
    `lxc.rootfs.path = dir:${join(directory, 'root')}`,
    'lxc.rootfs.options = ro',
    `lxc.uts.name = ${name}`,
    'lxc.init.cmd = /bin/sleep 100000',
    'lxc.apparmor.profile = unconfined',
    'lxc.cgroup.relative = 0',
    'lxc.mount.auto = proc sys',
  ]
  writeFileSync(join(directory, name, 'config'), [...common, ...network, ''].join('\n'))
}
const inside = (name: string, ...command: string[]): { status: number | null; out: string } => run('lxc-attach', name, '--', ...command)
const pings = (name: string, address: string): boolean => inside(name, 'ping', '-c', '2', '-W', '2', address).status === 0
const restart = (name: string): void => {
  ok('lxc-stop', name, '--kill')
  ok('lxc-start', name)
}

test('phys: LXC takes the interface and gives it back, at each start anew', async () => {
  for (const [name, address] of [
    ['web', '10.1.0.5'],
    ['db', '10.1.0.6'],
  ] as const) {
    // The page shows them for web: the first line is for the other kind.
    const own = (line: string): string => line.replace(/\bweb\b/g, name).replace('10.1.0.5', address)
    for (const words of shownCommands('LXC and Incus', 'vpc').slice(1)) vpcd.ok(...words.map(own))
    const { unit } = JSON.parse(vpcd.ok('hostif', 'get', `--hostif-id=${name}`, '--json')) as { unit: string }
    define(
      name,
      shownLines('LXC and Incus', 'lxc.net.0').map((line) => own(line).replace('hostif0', unit)),
    )
    ok('lxc-start', name)
  }
  assert.ok(pings('web', '10.1.0.6'))
  restart('db')
  assert.ok(pings('web', '10.1.0.6'))
  assert.ok(pings('db', '10.1.0.5'))
  await vpcd.stopDaemon()
  assert.ok(pings('web', '10.1.0.6'))
  await vpcd.startDaemon()
  restart('web')
  assert.ok(pings('db', '10.1.0.5'))
  await vpcd.clear()
  assert.ok(pings('web', '10.1.0.6'))
  vpcd.ok('audit')
  // LXC knows an interface by its number, so the new one goes with the container.
  for (const name of ['web', 'db']) ok('lxc-stop', name, '--kill')
  await until('vpcd has made them again', () => vpcd.vpc('audit', '--repair').code === 0)
  for (const name of ['web', 'db']) ok('lxc-start', name)
  assert.ok(pings('web', '10.1.0.6'))
  for (const name of ['web', 'db']) ok('lxc-stop', name, '--kill')
  vpcd.ok('audit')
  for (const name of ['web', 'db']) {
    vpcd.ok('switch', 'port', 'remove', `--port-id=${name}`, '--switch-id=red')
    vpcd.ok('hostif', 'destroy', `--hostif-id=${name}`)
  }
})

test('vpc attach --container: vpcd hands the interface over at each start', async () => {
  for (const [name, address] of [
    ['app', '10.1.0.7'],
    ['log', '10.1.0.8'],
  ] as const) {
    define(name, ['lxc.net.0.type = empty'])
    ok('lxc-start', name)
    const [words] = shownCommands('LXC and Incus', 'vpc')
    vpcd.ok(...words!.map((word) => word.replace('app', name).replace('10.1.0.7', address)))
  }
  await until('they reach each other', () => pings('app', '10.1.0.8'))
  restart('log')
  await until('they do again after a restart', () => pings('app', '10.1.0.8'))
  await until('both ways', () => pings('log', '10.1.0.7'))
  await vpcd.clear()
  assert.ok(pings('app', '10.1.0.8'))
  vpcd.ok('audit')
  for (const name of ['app', 'log']) {
    vpcd.ok('detach', 'red', `--container=${name}`)
    ok('lxc-stop', name, '--kill')
  }
  vpcd.ok('audit')
})

test('nothing is left', () => {
  vpcd.ok('switch', 'destroy', 'red')
  vpcd.ok('audit')
  assert.deepEqual(vpcd.devices().sort(), ['em0', 'wire0'])
})
