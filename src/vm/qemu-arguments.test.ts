import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { generateId } from '#abi/id.ts'
import type { VmDefinition } from './definition.ts'
import { qemuArguments, type Inherited } from './qemu-arguments.ts'
import type { GuestVmnic } from './vm-state.ts'

const id = '5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01'
const definition: VmDefinition = {
  id,
  name: null,
  memoryMib: 256,
  cpus: 2,
  kernel: '/boot/vmlinuz',
  initrd: '/boot/initrd',
  append: 'console=ttyS0, with spaces',
  disk: null,
  image: null,
  diskFormat: null,
  diskBytes: null,
  seed: 'disk',
  cloudInit: null,
  vmnics: [],
  user: null,
  acceleration: 'auto',
  protected: false,
  autostart: false,
}
const bare: Inherited = { qmp: 3, serial: 4, kernel: 5, initrd: 6, disk: undefined, seed: undefined, vmnics: [] }
const after = (args: readonly string[], flag: string): string => args[args.indexOf(flag) + 1]!

test('a kernel is named by its descriptor, and its command line is one word', () => {
  const args = qemuArguments(definition, 'tcg', bare)
  assert.equal(after(args, '-kernel'), '/proc/self/fd/5')
  assert.equal(after(args, '-initrd'), '/proc/self/fd/6')
  assert.equal(after(args, '-append'), 'console=ttyS0, with spaces')
  assert.equal(after(args, '-accel'), 'tcg,thread=multi')
  assert.ok(!args.some((word) => word.includes('/boot/')), 'no path of the host')
})

test('nothing comes that was not asked for, and the sandbox is on', () => {
  const args = qemuArguments({ ...definition, kernel: null }, 'kvm', { ...bare, kernel: undefined, initrd: undefined })
  for (const flag of ['-no-user-config', '-nodefaults', '-S']) assert.ok(args.includes(flag))
  assert.match(after(args, '-sandbox'), /^on,.*spawn=deny/)
  assert.ok(!args.includes('-kernel') && !args.includes('-append'))
  assert.equal(after(args, '-accel'), 'kvm')
})

test('a vmnic has its MAC and MTU, a descriptor and two vectors for each queue pair', () => {
  const vmnic: GuestVmnic = { id: generateId('vmnic'), device: 'vmnic0', mac: '02:00:00:00:00:01', mtuBytes: 1450, queues: 4 }
  const args = qemuArguments(definition, 'tcg', { ...bare, vmnics: [{ vmnic, fds: [7, 8, 9, 10], vhostFds: undefined }] })
  const netdev = JSON.parse(after(args, '-netdev'))
  assert.deepEqual(netdev, { type: 'tap', id: `tap-${vmnic.id}`, fds: '7:8:9:10', vhost: false })
  const device = JSON.parse(args.at(-1)!)
  assert.deepEqual(device, {
    driver: 'virtio-net-pci',
    id: `vmnic-${vmnic.id}`,
    netdev: netdev.id,
    mac: vmnic.mac,
    host_mtu: 1450,
    mq: true,
    vectors: 10,
    romfile: '',
  })
  const vhost = qemuArguments(definition, 'tcg', { ...bare, vmnics: [{ vmnic, fds: [7], vhostFds: [8] }] })
  assert.equal(JSON.parse(after(vhost, '-netdev')).vhostfds, '8')
})

test('cloud-init that looks at metadata reads so in the serial number', () => {
  assert.ok(!qemuArguments(definition, 'tcg', bare).includes('-smbios'))
  const serial = after(qemuArguments({ ...definition, seed: 'metadata' }, 'tcg', bare), '-smbios')
  assert.equal(serial, 'type=1,serial=ds=nocloud-net;s=http://169.254.169.254/nocloud/')
})

test('QEMU takes disks and the cloud-init data as they are written', () => {
  const args = qemuArguments({ ...definition, disk: 'x', diskFormat: 'raw', kernel: null }, 'tcg', {
    ...bare,
    kernel: undefined,
    initrd: undefined,
    disk: 5,
    seed: 6,
  })
  const nodes = args.flatMap((word, i) => (word === '-blockdev' ? [JSON.parse(args[i + 1]!)] : []))
  assert.deepEqual(
    nodes.map((node) => [node['node-name'], node.filename ?? node.file, node['read-only']]),
    [
      ['disk-file', '/dev/fdset/1', false],
      ['disk', 'disk-file', false],
      ['seed-file', '/dev/fdset/2', true],
      ['seed', 'seed-file', true],
    ],
  )
  // With a wrong word QEMU would fail before the monitor ends it.
  const words = args.map((word) => word.replace(/^socket,id=(qmp|console).*/, 'null,id=$1')).filter((word) => word !== '-S')
  const { status, stderr } = spawnSync(
    'sh',
    [
      '-c',
      'truncate -s 1M /tmp/$$.a /tmp/$$.b; exec 5<>/tmp/$$.a 6</tmp/$$.b; rm /tmp/$$.a /tmp/$$.b; exec timeout 2 qemu-system-x86_64 "$@"',
      'sh',
      ...words,
    ],
    { encoding: 'utf8' },
  )
  assert.equal(status, 124, stderr)
})
