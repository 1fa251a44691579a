import assert from 'node:assert/strict'
import { test } from 'node:test'
import { close } from './libc.ts'
import { ScratchNetns } from './scratch-netns.ts'
import { createTap, openTapQueue } from './tap.ts'

test('transmit queues are counted as tc shows them', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  scratch.run(() => createTap({ name: 'vmnic0' }))
  const { ifindex } = netlink.linkByName('vmnic0')!
  const fds = scratch.run(() => [openTapQueue({ name: 'vmnic0' }), openTapQueue({ name: 'vmnic0' })])
  try {
    netlink.setLink(ifindex, { up: true })
    netlink.addAddress({ ifindex, address: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 })
    scratch.ip('neigh', 'add', '192.0.2.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'vmnic0')
    scratch.exec('sh', '-c', 'ping -c 3 -i 0.01 -W 0.1 192.0.2.2 || true')
    const counted = netlink.queueTransmits(ifindex)
    assert.deepEqual(
      counted.map(({ queue }) => queue),
      [0, 1],
    )
    assert.ok(counted.reduce((sum, { packets }) => sum + packets, 0) > 0)
    const shown = JSON.parse(scratch.exec('tc', '-j', '-s', 'qdisc', 'show', 'dev', 'vmnic0')) as {
      parent?: string
      packets: number
      bytes: number
      drops: number
    }[]
    const theirs = shown
      .filter(({ parent }) => parent !== undefined)
      .map(({ parent, packets, bytes, drops }) => ({ queue: Number.parseInt(parent!.slice(1), 16) - 1, packets, bytes, drops }))
    assert.deepEqual(
      counted,
      theirs.sort((a, b) => a.queue - b.queue),
    )
  } finally {
    fds.forEach(close)
  }
  const lo = netlink.linkByName('lo')!
  assert.deepEqual(netlink.queueTransmits(lo.ifindex), [])
})
