/** The CNI plugin with containerd, by the Container Runtime Interface: what Kubernetes runs on a node. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Pinging } from '../cli/machines.ts'
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
import { Containerd } from './containerd.ts'
import { coverDirectory } from './own-directory.ts'

let cloud: CloudScene
let containerd: Containerd
let devices: readonly string[]
let covers: Disposable[] = []
before(async () => {
  // libcni keeps results in the first, and containerd makes the other.
  covers = ['/var/lib/cni', '/opt/containerd'].map(coverDirectory)
  cloud = startCloud()
  devices = cloud.h1.devices()
  containerd = Containerd.ofCloud(cloud)
  await containerd.start()
  containerd.importImage()
})
after(async () => {
  await containerd?.stop()
  await stopCloud()
  for (const cover of covers) cover[Symbol.dispose]()
})

let web: string, box: string, address: string

test('a kubelet would find the network ready', async () => {
  const { status } = await containerd.call('Status', {})
  const network = status.conditions.find(({ type }: { type: string }) => type === 'NetworkReady')
  assert.equal(network.status, true, JSON.stringify(network))
})

test('pods get addresses of the subnet and reach each other, and a container of another host', async () => {
  web = await containerd.runPod('web')
  const db = await containerd.runPod('db')
  const [four, six] = await containerd.addresses(web)
  address = four!
  assert.match(six!, /^fd/)
  box = await containerd.runContainer(web, 'box')
  const { out } = await containerd.exec(box, 'ip', '-o', 'address', 'show', 'dev', 'eth0')
  assert.match(out, new RegExp(`inet ${four}/24 `))
  const [other] = await containerd.addresses(db)
  for (const target of [other!, cloud.far.address]) {
    const { code, out: said } = await containerd.exec(box, 'ping', '-c', '2', '-W', '2', target)
    assert.equal(code, 0, said)
  }
  assert.ok(farPings(cloud.far, address))
  await containerd.removePod(db)
})

test('the groups of the network hold for a pod', () => assertGroupDrops(cloud, address))

test('a pod goes on while vpcd and containerd are killed, and can be removed after', async () => {
  const pinging = new Pinging(cloud.far.netns, address)
  await pinging.answers(5)
  await killVpcd(cloud.h1)
  await pinging.answers(5)
  await containerd.stop('SIGKILL')
  await pinging.answers(5)
  await containerd.start()
  await pinging.answers(5)
  assert.deepEqual(await pinging.stop(), [])
  await clearVpcd(cloud.h1)
  assert.ok(farPings(cloud.far, address))
  cloud.h1.ok('audit')
  assert.deepEqual((await containerd.addresses(web))[0], address)
  assert.equal((await containerd.exec(box, 'ping', '-c', '1', '-W', '2', cloud.far.address)).code, 0)
})

test('pods that go together leave nothing', async () => {
  const pods = await Promise.all(['a', 'b', 'c', 'd'].map((name) => containerd.runPod(name)))
  const all = await Promise.all(pods.map((pod) => containerd.addresses(pod)))
  assert.equal(new Set(all.map(([four]) => four)).size, 4)
  await Promise.all([web, ...pods].map((pod) => containerd.removePod(pod)))
  assertNothingLeft(cloud, devices)
  assert.deepEqual(
    readdirSync('/run/netns').filter((name) => name.startsWith('cni-')),
    [],
  )
})

test('a pod in the namespace of the node gets no interface', async () => {
  const pod = await containerd.runHostPod('node')
  assertNothingLeft(cloud, devices)
  await containerd.removePod(pod)
})

test('a pod that cannot get its interface is refused with the reason, and leaves nothing', async () => {
  const wrong = JSON.stringify(cniNetwork(cloud, 'red')).replace('default/default', 'default/none')
  containerd.writeNetwork(wrong)
  await assert.rejects(async () => {
    // containerd reads its directory when it sees the change.
    for (let attempt = 1; attempt < 100; attempt++) await containerd.removePod(await containerd.runPod('late', attempt))
  }, /cannot find subnet default\/none/)
  assertNothingLeft(cloud, devices)
})
