/**
 * Pods of a real Kubernetes: kubectl asks its API server, and a kubelet runs them with containerd and the CNI plugin.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Pinging, until } from '../../cli/machines.ts'
import {
  assertGroupDrops,
  assertNothingLeft,
  cniNetwork,
  farPings,
  killVpcd,
  startCloud,
  stopCloud,
  type CloudScene,
} from '../cloud-scene.ts'
import { Containerd } from '../containerd.ts'
import { coverDirectory } from '../own-directory.ts'
import { Kubernetes } from './kubernetes.ts'

let cloud: CloudScene
let containerd: Containerd
let kubernetes: Kubernetes
let devices: readonly string[]
let covers: Disposable[] = []
before(async () => {
  covers = ['/var/lib/cni', '/opt/containerd', '/var/log/pods', '/var/log/containers', '/var/lib/kubelet'].map(coverDirectory)
  cloud = startCloud()
  devices = cloud.h1.devices()
  containerd = Containerd.ofCloud(cloud)
  await containerd.start()
  containerd.importImage()
  kubernetes = new Kubernetes(cloud.h1, '198.18.7.1', containerd.socket)
  await kubernetes.start()
})
after(async () => {
  await kubernetes?.[Symbol.asyncDispose]()
  await containerd?.stop()
  await stopCloud()
  for (const cover of covers) cover[Symbol.dispose]()
})

const ping = (address: string): string[] => ['ping', '-c', '2', '-W', '2', address]
let web: string

test('pods get addresses of the subnet, which the API server shows, and reach each other and another host', async () => {
  kubernetes.apply('web')
  kubernetes.apply('db')
  const [four, six] = await kubernetes.ready('web')
  web = four!
  assert.match(six!, /^fd/)
  const [db] = await kubernetes.ready('db')
  for (const target of [db!, cloud.far.address]) kubernetes.ok('exec', 'web', '--', ...ping(target))
  assert.match(kubernetes.ok('exec', 'web', '--', 'ip', '-o', 'address', 'show', 'dev', 'eth0'), new RegExp(`inet ${web}/24 `))
  assert.ok(farPings(cloud.far, web))
  assertGroupDrops(cloud, web)
})

test('a probe by exec finds a container that is ill, which starts again with the same interface', async () => {
  const livenessProbe = { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1 }
  kubernetes.apply('ill', { command: ['sh', '-c', ': > /tmp/alive; sleep 100000'], livenessProbe })
  const [address] = await kubernetes.ready('ill')
  kubernetes.ok('exec', 'ill', '--', 'busybox', 'rm', '/tmp/alive')
  await until('it has started again', () => (kubernetes.pod('ill').status.containerStatuses?.[0]?.restartCount ?? 0) > 0, 60_000)
  assert.deepEqual((await kubernetes.ready('ill'))[0], address)
  assert.ok(farPings(cloud.far, address!))
})

test('pods go on while vpcd, the kubelet and containerd are killed', async () => {
  const pinging = new Pinging(cloud.far.netns, web)
  await pinging.answers(5)
  await killVpcd(cloud.h1)
  await pinging.answers(5)
  await kubernetes.stop('kubelet', 'SIGKILL')
  await containerd.stop('SIGKILL')
  await pinging.answers(5)
  await containerd.start()
  kubernetes.startKubelet()
  kubernetes.apply('late')
  await kubernetes.ready('late')
  await pinging.answers(5)
  assert.deepEqual(await pinging.stop(), [])
  assert.deepEqual((await kubernetes.ready('web'))[0], web)
})

test('a pod whose sandbox ends gets another one, and an interface', async () => {
  const [sandbox] = containerd.sandboxesOf('late')
  await containerd.call('StopPodSandbox', { podSandboxId: sandbox })
  await until('it has another one', () => containerd.sandboxesOf('late').some((id) => id !== sandbox), 60_000)
  const [address] = await kubernetes.ready('late')
  assert.ok(farPings(cloud.far, address!))
})

test('pods that are deleted leave nothing', async () => {
  kubernetes.ok('delete', 'pod', '--all', '--timeout=60s')
  await until('their interfaces are gone', () => cloud.h1.devices().length === devices.length)
  assertNothingLeft(cloud, devices)
})

test('a pod without an interface says why', async () => {
  const wrong = JSON.stringify(cniNetwork(cloud, 'red')).replace('default/default', 'default/none')
  containerd.writeNetwork(wrong)
  await containerd.stop()
  await containerd.start()
  kubernetes.apply('lost')
  await until('an event says so', () => /cannot find subnet default\/none/.test(kubernetes.ok('get', 'events')), 60_000)
  kubernetes.ok('delete', 'pod', 'lost', '--timeout=60s')
  assertNothingLeft(cloud, devices)
})
