/** Docker's networks on a switch of this host and in a subnet of a cloud, with the real dockerd. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Pinging, until } from '../cli/machines.ts'
import {
  assertGroupDrops,
  assertNothingLeft,
  farPings,
  clearVpcd,
  killVpcd,
  startCloud,
  stopCloud,
  type CloudScene,
} from './cloud-scene.ts'
import { Docker } from './docker.ts'
import { coverDirectory } from './own-directory.ts'
import { shownCommands } from './shown.ts'

/** Options by which the driver finds the cloud. */
function toCloud(): string[] {
  const { agentDir, state } = cloud.h1
  return [`--agent-state-dir=${agentDir}`, '--server=https://198.18.7.1:7473', `--token-file=${join(state, 'admin-token')}`]
}

let cloud: CloudScene
let docker: Docker
let devices: readonly string[]
let covers: Disposable[] = []
before(async () => {
  // dockerd keeps a key in the first, and its containerd makes the other.
  covers = ['/etc/docker', '/opt/containerd'].map(coverDirectory)
  cloud = startCloud()
  devices = cloud.h1.devices()
  docker = new Docker(cloud.h1)
  await docker.startDriver(...toCloud())
  await docker.start()
  docker.importImage()
})
after(async () => {
  docker?.removeAll()
  await docker?.stop()
  await docker?.stopDriver()
  await stopCloud()
  for (const cover of covers) cover[Symbol.dispose]()
})

const runBox = (name: string, network: string, ...more: string[]): string =>
  docker.ok('run', '--detach', '--stop-signal=KILL', `--name=${name}`, `--network=${network}`, ...more, 'box', '/bin/sleep', '100000')
const pingsFrom = (name: string, address: string): boolean => docker.run('exec', name, 'ping', '-c', '2', '-W', '2', address).code === 0
const addressOf = (name: string, network: string): string =>
  docker.ok('inspect', `--format={{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name)

test('what a network is on must be said, and said right', () => {
  const refused = (...options: string[]): string => docker.run('network', 'create', '--driver=vpc', ...options, 'wrong').err
  assert.match(refused(), /say where it is: -o vpc.switch=NAME/)
  assert.match(refused('-o', 'vpc.vnis=5'), /option vpc.vnis has no meaning; there are vpc.switch, /)
  for (const vni of ['none', '0']) assert.match(refused('-o', `vpc.vni=${vni}`), /vpc.vni is a number from 1/)
  assert.match(refused('-o', 'vpc.switch=green'), /there is no switch green/)
  assert.match(refused('--ipam-driver=vpc', '--ipam-opt', 'vpc.subnet=default/none'), /find subnet default\/none/)
  assert.match(refused('--ipam-driver=vpc'), /--ipam-opt vpc.subnet=VPC\/SUBNET/)
  assert.deepEqual(docker.ok('network', 'ls', '--quiet', '--filter=driver=vpc'), '')
})

test('on a switch of this host: containers reach each other, also after a restart or a removal of vpcd, and go without a trace', async () => {
  const [network, runA, ping] = shownCommands('docker', 'docker') as [string[], string[], string[]]
  docker.ok(...network)
  docker.ok(...runA)
  runBox('box-b', 'red', '--ip=10.70.0.77')
  docker.ok(...ping)
  docker.ok('restart', '--time=0', 'box-b')
  assert.ok(pingsFrom('box-a', '10.70.0.77'))
  assert.ok(pingsFrom('box-b', addressOf('box-a', 'red')))
  await clearVpcd(cloud.h1)
  assert.ok(pingsFrom('box-a', '10.70.0.77'))
  assert.equal(cloud.h1.ok('hostif list').match(/\(moved\)/g)?.length, 2)
  cloud.h1.ok('audit')
  assert.match(docker.run('network', 'rm', 'red').err, /active endpoints/)
  docker.ok('rm', '--force', 'box-a', 'box-b')
  docker.ok('network', 'rm', 'red')
  assertNothingLeft(cloud, devices)
})

test('in a subnet of the cloud: the cloud chooses the address, other hosts reach it, a group holds', () => {
  for (const words of shownCommands('docker', 'docker').slice(3)) docker.ok(...words)
  const address = addressOf('box-c', 'web')
  assert.ok(pingsFrom('box-c', cloud.far.address))
  assert.ok(farPings(cloud.far, address))
  assert.match(docker.ok('exec', 'box-c', 'ip', 'route'), /default via/)
  assert.deepEqual(docker.askedFor, [])
  assertGroupDrops(cloud, address)
})

test('a container goes on while vpcd and the driver are killed; dockerd restarts with its networks', async () => {
  const pinging = new Pinging(cloud.far.netns, addressOf('box-c', 'web'))
  await pinging.answers(5)
  await killVpcd(cloud.h1)
  await docker.stopDriver('SIGKILL')
  await pinging.answers(5)
  await docker.startDriver(...toCloud())
  assert.deepEqual(await pinging.stop(), [])
  cloud.h1.ok('down')
  cloud.h1.ok('up --name=h1')
  await until('it has its network again', () => farPings(cloud.far, addressOf('box-c', 'web')))
  assert.match(docker.ok('exec', 'box-c', 'ip', 'route'), /default via/)
  cloud.h1.ok('audit')
  docker.ok('restart', '--time=0', 'box-c')
  assert.ok(pingsFrom('box-c', cloud.far.address))
  await docker.stop('SIGKILL')
  await docker.start()
  docker.ok('start', 'box-c')
  assert.ok(farPings(cloud.far, addressOf('box-c', 'web')))
  docker.ok('rm', '--force', 'box-c')
  docker.ok('network', 'rm', 'web')
  assertNothingLeft(cloud, devices)
})

test('an address that docker gives back takes a vnic of its own subnet alone, also when the API does not answer', async () => {
  const { h1 } = cloud
  h1.ok('cloud vpc create other --account=default')
  h1.ok('cloud subnet create same --vpc=other --network4=10.0.0.0/24')
  const idOf = (subnet: string): string => JSON.parse(h1.ok(`cloud subnet get ${subnet} --json`)).id
  const [here, there] = [idOf('default/default'), idOf('other/same')]
  const options = { 'com.docker.network.endpoint.macaddress': '02:42:0a:00:00:c8' }
  const asked = { Address: '10.0.0.200', Options: options }
  assert.equal(docker.ask('IpamDriver.RequestAddress', { PoolID: `${there}/4/`, ...asked }).Address, '10.0.0.200/24')
  assert.equal(docker.askedFor.length, 1)
  assert.match(docker.ask('IpamDriver.RequestAddress', { PoolID: `${here}/4/`, ...asked }).Err ?? '', /is in another subnet/)
  const vnics = (): number => JSON.parse(h1.ok('vnic list --json')).length
  assert.equal(vnics(), 2)
  assert.deepEqual(docker.ask('IpamDriver.ReleaseAddress', { PoolID: `${here}/4/`, Address: '10.0.0.200' }), {})
  assert.equal(vnics(), 2)
  assert.deepEqual(docker.ask('IpamDriver.ReleaseAddress', { PoolID: `${there}/4/`, Address: '10.0.0.200' }), {})
  assert.equal(vnics(), 1)
  assert.deepEqual(docker.askedFor, [])
  // The MAC address rests, too.
  const Options = { 'com.docker.network.endpoint.macaddress': '02:42:0a:00:00:c9' }
  const { Address, Err } = docker.ask('IpamDriver.RequestAddress', { PoolID: `${there}/4/`, Options })
  assert.match(Address ?? Err ?? '', /^10\.0\.0\.\d+\/24$/)
  assert.equal(vnics(), 2)
  const api = h1.processes().api!.pid
  process.kill(api, 'SIGSTOP')
  try {
    const begun = performance.now()
    assert.deepEqual(docker.ask('IpamDriver.ReleaseAddress', { PoolID: `${there}/4/`, Address }), {})
    // Docker waits no longer.
    assert.ok(performance.now() - begun < 30_000)
  } finally {
    process.kill(api, 'SIGCONT')
  }
  await until('its vnic is gone, too', () => vnics() === 1)
  assertNothingLeft(cloud, devices)
})

test('as a service: a user without rights but those of the policy, and a socket that the service manager has opened', async () => {
  const uid = '64987'
  // The rules of the package, for this user.
  const rules = readFileSync(new URL('../../packaging/etc/policy.yaml', import.meta.url), 'utf8').replaceAll('vpc-docker-driver', uid)
  const own = rules.split('\n').slice(rules.split('\n').findIndex((line) => line.includes(uid)))
  appendFileSync(join(cloud.h1.state, 'agent-policy.yaml'), own.join('\n'))
  process.kill(cloud.h1.processes().vpcd!.pid, 'SIGHUP')
  await docker.stopDriver()
  await docker.startDriverAs(uid)
  cloud.h1.ok('switch create green --vni=7002')
  docker.ok('network', 'create', '--driver=vpc', '-o', 'vpc.switch=green', '--subnet=10.71.0.0/24', 'green')
  docker.ok('network', 'create', '--driver=vpc', '-o', 'vpc.vni=7003', '--subnet=10.72.0.0/24', 'blue')
  for (const network of ['green', 'blue']) {
    for (const name of ['one', 'two']) runBox(`${network}-${name}`, network)
    assert.ok(pingsFrom(`${network}-one`, addressOf(`${network}-two`, network)))
  }
  docker.removeAll()
  docker.ok('network', 'rm', 'green', 'blue')
  cloud.h1.ok('switch destroy green')
  assertNothingLeft(cloud, devices)
})
