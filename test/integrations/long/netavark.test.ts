/** Containers of podman 5 by the plugin of netavark: on a switch of this host, and in a subnet of the cloud. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
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
} from '../cloud-scene.ts'
import { makeTarball } from '../image.ts'
import { shownCommands } from '../shown.ts'
import { unpackRoot } from './trixie.ts'

const plugin = join(import.meta.dirname, '../../../bin/vpc-netavark.mjs')

const shownNetworks = shownCommands('podman', 'podman').filter(([noun]) => noun === 'network')

let cloud: CloudScene
let root: string
let devices: readonly string[]
before(() => {
  cloud = startCloud()
  devices = cloud.h1.devices()
  const directory = mkdtempSync(join(tmpdir(), 'vpc-trixie-'))
  root = unpackRoot(directory)
  const plugins = join(root, 'usr/lib/netavark')
  mkdirSync(plugins, { recursive: true })
  symlinkSync(plugin, join(plugins, 'vpc'))
  mkdirSync(join(root, 'etc/vpc'))
  const { plugins: own } = cniNetwork(cloud, 'none') as { plugins: Record<string, unknown>[] }
  const { server, tokenFile, stateDir, agentStateDir, socket } = own[0]!
  writeFileSync(join(root, 'etc/vpc/containers.json'), JSON.stringify({ server, tokenFile, stateDir, agentStateDir, socket }))
  writeFileSync(
    join(root, 'etc/containers/containers.conf'),
    `[network]
network_backend = "netavark"
firewall_driver = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`,
  )
  const tarball = makeTarball(directory)
  execFileSync('cp', [tarball, join(root, 'box.tar')])
  ok('import', '/box.tar', 'box')
})
after(async () => {
  podman('rm', '--all', '--force', '--time=0')
  await stopCloud()
})

function podman(...args: string[]): { code: number | null; out: string; err: string } {
  const words = [`--net=/run/netns/${cloud.h1.netns}`, 'chroot', root, 'podman', '--storage-driver=vfs', ...args]
  const { status, stdout, stderr } = spawnSync('nsenter', words, {
    encoding: 'utf8',
    timeout: 90_000,
    env: { PATH: process.env.PATH, HOME: '/root' },
  })
  return { code: status, out: stdout, err: stderr }
}
function ok(...args: string[]): string {
  const { code, out, err } = podman(...args)
  assert.equal(code, 0, `podman ${args.join(' ')}: ${out}${err}`)
  return out.trim()
}
const runBox = (name: string, network: string, ...more: string[]): string =>
  ok(
    'run',
    '--detach',
    `--name=${name}`,
    `--network=${network}`,
    '--cap-add=NET_RAW',
    '--ulimit=host',
    ...more,
    'box',
    '/bin/sleep',
    '100000',
  )
const pingsFrom = (name: string, address: string): boolean => podman('exec', name, 'ping', '-c', '2', '-W', '2', address).code === 0
const addressOf = (name: string): string =>
  /inet (\d+\.\d+\.\d+\.\d+)/.exec(ok('exec', name, 'ip', '-o', '-4', 'address', 'show', 'dev', 'eth0'))?.[1] ?? ''

test('on a switch of this host podman chooses the addresses', async () => {
  const refused = (...options: string[]): string => podman('network', 'create', '--driver=vpc', ...options, 'wrong').err
  assert.match(refused(), /say where the network is/)
  assert.match(refused('-o', 'vpc.swich=red'), /has no meaning/)
  cloud.h1.ok('switch create green --vni=7002')
  ok(...shownNetworks[0]!)
  for (const name of ['box-a', 'box-b']) runBox(name, 'green')
  assert.ok(pingsFrom('box-a', addressOf('box-b')))
  ok('restart', '--time=0', 'box-b')
  assert.ok(pingsFrom('box-a', addressOf('box-b')))
  await clearVpcd(cloud.h1)
  assert.ok(pingsFrom('box-a', addressOf('box-b')))
  cloud.h1.ok('audit')
  ok('rm', '--force', '--time=0', '--all')
  ok('network', 'rm', 'green')
  cloud.h1.ok('switch destroy green')
  assertNothingLeft(cloud, devices)
})

test('in a subnet of the cloud the cloud does', async () => {
  ok(...shownNetworks[1]!)
  runBox('box-c', 'web')
  const address = addressOf('box-c')
  assert.ok(pingsFrom('box-c', cloud.far.address))
  assert.ok(farPings(cloud.far, address))
  assertGroupDrops(cloud, address)
  await killVpcd(cloud.h1)
  assert.ok(farPings(cloud.far, address))
  await clearVpcd(cloud.h1)
  assert.ok(farPings(cloud.far, address))
  cloud.h1.ok('audit')
  ok('restart', '--time=0', 'box-c')
  assert.ok(pingsFrom('box-c', cloud.far.address))
  ok('rm', '--force', '--time=0', '--all')
  ok('network', 'rm', 'web')
  assertNothingLeft(cloud, devices)
})
