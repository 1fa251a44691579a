/** Containers of the real podman: by the CNI plugin, and by the OCI hook. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Pinging, type Ran } from '../cli/machines.ts'
import {
  assertGroupDrops,
  assertNothingLeft,
  clearVpcd,
  cniNetwork,
  farPings,
  killVpcd,
  startCloud,
  stopCloud,
  type CloudScene,
} from './cloud-scene.ts'
import { coverDirectory } from './own-directory.ts'
import { Podman, program } from './podman.ts'
import { shownCommands } from './shown.ts'

let cloud: CloudScene
let podman: Podman
let devices: readonly string[]
let covers: Disposable[] = []
before(() => {
  // libcni keeps results in the first, and podman what it knows of layers in the other.
  covers = ['/var/lib/cni', '/var/lib/containers'].map(coverDirectory)
  cloud = startCloud()
  devices = cloud.h1.devices()
  podman = new Podman(cloud.h1)
  const network = cniNetwork(cloud, 'red', '0.4.0') as { plugins: Record<string, unknown>[] }
  writeFileSync(join(podman.confDir, '10-red.conflist'), JSON.stringify(network))
  const { server, tokenFile, stateDir, agentStateDir, socket } = network.plugins[0]!
  writeFileSync(podman.hookConfig, JSON.stringify({ server, tokenFile, stateDir, agentStateDir, socket }))
  podman.importImage()
})
after(async () => {
  podman?.run('rm', '--all', '--force', '--time=0')
  await stopCloud()
  for (const cover of covers) cover[Symbol.dispose]()
})

/** Without the right to raise limits, and to ping as podman has it by default. */
const asHere = ['--cap-add=NET_RAW', '--ulimit=host', '--stop-signal=KILL']
const runBox = (name: string, ...more: string[]): string =>
  podman.ok('run', '--detach', `--name=${name}`, ...asHere, ...more, 'box', '/bin/sleep', '100000')
/** Line `n` of the page, with what this machine needs. */
function runShown(n: number, ...more: string[]): void {
  const [run, ...words] = shownCommands('podman', 'podman').filter(([verb]) => verb === 'run')[n]!
  podman.ok(run!, ...asHere, ...more, ...words)
}
const pingsFrom = (name: string, address: string): boolean => podman.run('exec', name, 'ping', '-c', '2', '-W', '2', address).code === 0
const addressOf = (name: string): string =>
  /inet (\d+\.\d+\.\d+\.\d+)/.exec(podman.ok('exec', name, 'ip', '-o', '-4', 'address', 'show', 'dev', 'eth0'))?.[1] ?? ''

/** The same for both ways: reach the other host, be stopped by a group, outlive vpcd, start again, and go. */
async function live(name: string): Promise<void> {
  const address = addressOf(name)
  assert.ok(pingsFrom(name, cloud.far.address))
  assert.ok(farPings(cloud.far, address))
  assertGroupDrops(cloud, address)
  const pinging = new Pinging(cloud.far.netns, address)
  await pinging.answers(5)
  await killVpcd(cloud.h1)
  await pinging.answers(5)
  assert.deepEqual(await pinging.stop(), [])
  await clearVpcd(cloud.h1)
  assert.ok(pingsFrom(name, cloud.far.address))
  cloud.h1.ok('audit')
  podman.ok('restart', '--time=0', name)
  assert.ok(pingsFrom(name, cloud.far.address))
  cloud.h1.ok('audit')
  podman.ok('rm', '--force', '--time=0', name)
  assertNothingLeft(cloud, devices)
}

test('by CNI: a network of podman is a subnet of the cloud', async () => {
  runShown(0)
  runBox('box-b', '--network=red')
  assert.ok(pingsFrom('box-a', addressOf('box-b')))
  podman.ok('rm', '--force', '--time=0', 'box-b')
  await live('box-a')
})

test('by the OCI hook: annotations name a subnet of the cloud', async () => {
  runShown(1, '--annotation=vpc.groups=app')
  await live('box-c')
})

test('by the OCI hook: annotations name a switch of this host, and the address stays', () => {
  cloud.h1.ok('switch create green --vni=7002')
  const onGreen = ['--network=none', '--annotation=vpc.switch=green']
  runBox('box-d', ...onGreen, '--annotation=vpc.address=10.71.0.4/24', '--annotation=vpc.gateway=10.71.0.1')
  runShown(2)
  assert.ok(pingsFrom('box-d', '10.71.0.5'))
  assert.match(podman.ok('exec', 'box-d', 'ip', 'route'), /default via 10\.71\.0\.1 dev eth0/)
  podman.ok('restart', '--time=0', 'box-e')
  assert.ok(pingsFrom('box-d', '10.71.0.5'))
  podman.ok('rm', '--force', '--time=0', '--all')
  cloud.h1.ok('switch destroy green')
  assertNothingLeft(cloud, devices)
})

test('a container with wrong annotations does not start, and podman says why', () => {
  const refused = (...annotations: string[]): string => {
    const { code, err } = podman.run(
      'run',
      '--rm',
      ...asHere,
      '--network=none',
      ...annotations.map((each) => `--annotation=${each}`),
      'box',
      '/bin/true',
    )
    assert.notEqual(code, 0)
    return err
  }
  assert.match(refused('vpc.switch=none-such'), /there is no switch none-such/)
  assert.match(refused('vpc.switch=a', 'vpc.subnet=b'), /exclude each other/)
  assert.match(refused('vpc.subnet=default/none'), /find subnet default\/none/)
  assert.match(refused('vpc.switch=vpcsw0', 'vpc.adress=10.0.0.1/24'), /annotation vpc.adress has no meaning/)
  assertNothingLeft(cloud, devices)
})

test('the programs say what is wrong in words, and leave the network of the host itself alone', () => {
  const { h1 } = cloud
  const run = (name: string, words: readonly string[], input: object): Ran => {
    const argv = [`--net=/run/netns/${h1.netns}`, program(name), ...words]
    const { status, stdout, stderr } = spawnSync('nsenter', argv, { encoding: 'utf8', input: JSON.stringify(input), timeout: 60_000 })
    return { code: status, out: stdout, err: stderr }
  }
  // As a container with --network=host: its process is in the namespace of the host.
  const { pid } = h1.processes().vpcd!
  const hook = (config: string, annotations: object): Ran =>
    run('vpc-oci-hook', ['createRuntime', `--config=${config}`], { id: 'own', pid, annotations })
  for (const annotations of [{ 'vpc.switch': 'vpcsw0' }, { 'vpc.subnet': 'default/default' }]) {
    const { code, err } = hook(podman.hookConfig, annotations)
    assert.equal(code, 1)
    assert.match(err, /^vpc-oci-hook: \/proc\/\d+\/ns\/net is the host's own network namespace/)
  }
  const half = join(h1.directory, 'half.json')
  writeFileSync(half, JSON.stringify({ server: 'https://198.18.7.1:7473' }))
  assert.equal(
    hook(half, { 'vpc.subnet': 'default/default' }).err,
    'vpc-oci-hook: network configuration: server and tokenFile go together\n',
  )
  const refused = (options: object): string => {
    const { code, out } = run('vpc-netavark', ['create'], { name: 'n', options })
    assert.equal(code, 1)
    return JSON.parse(out).error
  }
  assert.match(refused({ 'vpc.switch': 'green', 'vpc.routed': 'yes' }), /^vpc.routed is true or left out, not 'yes'$/)
  assert.match(refused({ 'vpc.switch': 'green', 'vpc.groups': 'app' }), /^vpc.groups is for a subnet of the cloud/)
  assert.match(refused({ 'vpc.subnet': 'red/web', 'vpc.routed': 'true' }), /^vpc.routed is for a switch of this host/)
  assertNothingLeft(cloud, devices)
})
