/**
 * Headroom of packets: a veth leaves what the kernel reports for the device, and the bridges come and go with their
 * ports.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveRoom, removeRooms } from '#datapath/device/room.ts'
import { encodeSkBuff, progTestRun } from '#kernel/bpf-program.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { compileBpf } from '../bpf/compile.ts'
import { PrivateNetns } from '../bpf/private-netns.ts'

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct net_device { unsigned short needed_headroom; } __attribute__((preserve_access_index));
struct sk_buff___dev { struct net_device *dev; } __attribute__((preserve_access_index));
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
SEC("tc") int headroom(struct __sk_buff *skb) { struct sk_buff___dev *kernel = bpf_cast_to_kern_ctx(skb); return kernel->dev->needed_headroom; }
char _license[] SEC("license") = "GPL";
`

/** What guards it is a test of its own (test/object/host-stack.test.ts). */
const unguarded = (): void => {}

/** The headroom that a device asks of its senders. */
function headroomOf(object: BpfObject, netns: PrivateNetns, name: string): number {
  const { ifindex } = netns.netlink.linkByName(name)!
  const run = () => progTestRun(object.program('headroom').fd, { dataIn: new Uint8Array(64), ctxIn: encodeSkBuff({ ifindex }), repeat: 1 })
  return netns.run(run).retval
}

test('a switch side that is given room has its other end leave it, and loses it with the rooms', () => {
  using netns = new PrivateNetns()
  using object = BpfObject.open(compileBpf(source), { name: 'headroom' })
  object.load()
  const { netlink } = netns
  const sides = ['a', 'b'].map((name) => netns.veth(`${name}-sw`, name)[0])
  assert.equal(headroomOf(object, netns, 'a'), 0)
  assert.equal([...giveRoom(netlink, sides, unguarded)].length, 2)
  for (const name of ['a', 'b']) assert.ok(headroomOf(object, netns, name) >= 50, name)
  assert.equal([...giveRoom(netlink, sides, unguarded)].length, 0)
  const rooms = netlink.links().filter(({ alias }) => alias === 'vpc:room')
  assert.deepEqual(
    rooms.map(({ name, up }) => ({ name, up })),
    ['vpcroom0', 'vpcroom0-in'].map((name) => ({ name, up: false })),
  )
  removeRooms(netlink)
  assert.equal(headroomOf(object, netns, 'a'), 0)
  assert.ok(netlink.links().every(({ alias, master }) => alias !== 'vpc:room' && master === undefined))
})

test('what is a port of something else already, or gone, is passed over; a full room is followed by another', () => {
  using netns = new PrivateNetns()
  const { netlink } = netns
  const other = netlink.createBridge({ name: 'other' }).ifindex
  const [taken] = netns.veth('taken-sw', 'taken')
  netlink.setLink(taken, { master: other })
  assert.equal([...giveRoom(netlink, [taken, 4711], unguarded)].length, 0)
  assert.equal(netlink.linkByName('vpcroom0'), undefined)
  const many = Array.from({ length: 1001 }, (_, i) => netlink.createVeth({ name: `s${i}`, peer: `u${i}` }).ifindex)
  assert.equal([...giveRoom(netlink, many, unguarded)].length, 1001)
  assert.equal(netlink.linkByName('taken-sw')!.master, other)
  const masters = Map.groupBy(netlink.links(), ({ master }) => master)
  assert.equal(masters.get(netlink.linkByName('vpcroom0')!.ifindex)?.length, 1001)
  assert.equal(masters.get(netlink.linkByName('vpcroom1')!.ifindex)?.length, 2)
})
