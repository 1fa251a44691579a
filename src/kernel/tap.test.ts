import assert from 'node:assert/strict'
import { readSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { close } from './libc.ts'
import { ScratchNetns } from './scratch-netns.ts'
import { createTap, openTapQueue } from './tap.ts'

const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code

test('a tap stays, as iproute2 sees it, and counts its open queues', () => {
  using scratch = new ScratchNetns()
  const tun = () => scratch.netlink.linkByName('vmnic0')!.tun!
  scratch.run(() => createTap({ name: 'vmnic0', owner: 12345, group: 54321 }))
  assert.deepEqual(tun(), {
    tap: true,
    vnetHdr: true,
    persistent: true,
    multiQueue: true,
    owner: 12345,
    group: 54321,
    queues: 0,
    disabledQueues: 0,
  })
  const fds = scratch.run(() => [openTapQueue({ name: 'vmnic0' }), openTapQueue({ name: 'vmnic0' })])
  try {
    const shown = scratch.ip('link', 'show', 'vmnic0')[0].linkinfo
    assert.equal(shown.info_kind, 'tun')
    assert.deepEqual(shown.info_data, {
      type: 'tap',
      pi: false,
      vnet_hdr: true,
      multi_queue: true,
      numqueues: 2,
      numdisabled: 0,
      persist: true,
      user: 12345,
      group: 54321,
    })
    assert.equal(tun().queues, 2)
  } finally {
    fds.forEach(close)
  }
  assert.equal(tun().queues, 0)
  assert.throws(() => scratch.run(() => createTap({ name: 'vmnic0' })), failsWith(errno.EBUSY))
  assert.throws(() => scratch.run(() => openTapQueue({ name: 'vmnic0', multiQueue: false })), failsWith(errno.EINVAL))
  assert.throws(() => scratch.run(() => createTap({ name: 'lo' })), KernelError)
  assert.throws(() => scratch.run(() => createTap({ name: 'a-name-of-16-byt' })), RangeError)
  assert.throws(() => scratch.run(() => createTap({ name: '' })), RangeError)
  assert.equal(scratch.netlink.links().length, 2)
})

test('a frame goes in and out of a queue behind a virtio header of 12 bytes', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  scratch.run(() => createTap({ name: 'vmnic0', multiQueue: false }))
  const fd = scratch.run(() => openTapQueue({ name: 'vmnic0', multiQueue: false }))
  try {
    netlink.setLink(netlink.linkByName('vmnic0')!.ifindex, { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), addrGenModeNone: true, up: true })
    assert.equal(scratch.ip('-s', 'link', 'show', 'vmnic0')[0].stats64.rx.packets, 0)
    netlink.addAddress({ ifindex: netlink.linkByName('vmnic0')!.ifindex, address: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 })
    const arp = '0001080006040001' + '020000000002' + 'c0000202' + '000000000000' + 'c0000201'
    writeSync(fd, Buffer.from('00'.repeat(12) + 'ffffffffffff' + '020000000002' + '0806' + arp, 'hex'))
    const reply = Buffer.alloc(2048)
    let length = readSync(fd, reply)
    // The kernel may report its multicast groups first: an IPv6 interface does so when it comes up.
    while (reply.toString('hex', 24, 26) !== '0806') length = readSync(fd, reply)
    assert.equal(length, 12 + 42)
    assert.equal(reply.toString('hex', 12, 26), '020000000002' + '020000000001' + '0806')
    assert.equal(scratch.ip('-s', 'link', 'show', 'vmnic0')[0].stats64.rx.packets, 1)
  } finally {
    close(fd)
  }
})
