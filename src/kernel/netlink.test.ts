import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { Netlink, type Link } from './netlink.ts'
import { ScratchNetns } from './scratch-netns.ts'

const mac = Uint8Array.of(0x5a, 0xab, 0xcf, 0xc5, 0x24, 0x68)
const formatMac = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$&:')

/** The parts of a link that `ip -j -d link show` knows too, in its words. */
const inWordsOfIp = (link: Link) => ({
  ifindex: link.ifindex,
  ifname: link.name,
  mtu: link.mtu,
  address: formatMac(link.mac),
  promiscuity: link.promiscuity,
  min_mtu: link.minMtu,
  max_mtu: link.maxMtu,
  ifalias: link.alias,
  kind: link.kind,
  up: link.up,
})
const ofIp = (link: any) => ({
  ifindex: link.ifindex,
  ifname: link.ifname,
  mtu: link.mtu,
  address: link.address,
  promiscuity: link.promiscuity,
  min_mtu: link.min_mtu ?? 0,
  max_mtu: link.max_mtu ?? 0,
  ifalias: link.ifalias,
  kind: link.linkinfo?.info_kind,
  up: link.flags.includes('UP'),
})

const failsWith = (code: number, detail: RegExp) => (error: unknown) =>
  error instanceof KernelError && error.errno === code && detail.test(error.message)

test('links are as iproute2 sees them', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  netlink.createVeth({
    name: 'hostif0',
    mac,
    mtu: 1450,
    alias: 'vpc:unit',
    up: true,
    peer: { name: 'hostif0-sw', alias: 'vpc:switch side', noArp: true, addrGenModeNone: true, up: true },
  })
  netlink.createBridge({ name: 'br0', up: true })
  netlink.createVxlan({ name: 'vpcmux0', dstPort: 8472, local: Uint8Array.of(192, 0, 2, 1), udpZeroCsum6Rx: true, mtu: 1550 })
  scratch.exec('ip', 'link', 'set', 'hostif0', 'promisc', 'on')
  const shown = scratch.ip('link', 'show')
  assert.deepEqual(netlink.links().map(inWordsOfIp), shown.map(ofIp))
  assert.deepEqual(
    netlink.links(),
    netlink.links().map(({ ifindex }) => netlink.linkByIndex(ifindex)),
  )
  assert.deepEqual(
    netlink.links(),
    netlink.links().map(({ name }) => netlink.linkByName(name)),
  )

  const byName = Object.fromEntries(shown.map((link: any) => [link.ifname, link]))
  assert.equal(byName['hostif0-sw'].inet6_addr_gen_mode, 'none')
  assert.ok(byName['hostif0-sw'].flags.includes('NOARP'))
  assert.ok(netlink.linkByName('hostif0')!.carrier)
  assert.equal(netlink.linkByName('hostif0')!.linkIndex, netlink.linkByName('hostif0-sw')!.ifindex)
  const vxlan = byName.vpcmux0.linkinfo.info_data
  assert.deepEqual(
    [vxlan.external, vxlan.learning, vxlan.port, vxlan.local, vxlan.udp_zero_csum6_rx, vxlan.udp_zero_csum6_tx],
    [true, false, 8472, '192.0.2.1', true, false],
  )
  assert.deepEqual(netlink.linkByName('vpcmux0')!.vxlan, {
    port: 8472,
    collectMetadata: true,
    learning: false,
    udpZeroCsum6Tx: false,
    udpZeroCsum6Rx: true,
    local: Uint8Array.of(192, 0, 2, 1),
  })
})

test('a link is found by an alternative name, and not by what is not a name', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const { ifindex } = netlink.createBridge({ name: 'br0' })
  scratch.exec('ip', 'link', 'property', 'add', 'dev', 'br0', 'altname', 'short')
  scratch.exec('ip', 'link', 'property', 'add', 'dev', 'br0', 'altname', 'a-name-longer-than-fifteen-bytes')
  assert.equal(netlink.linkByName('short')?.ifindex, ifindex)
  assert.equal(netlink.linkByName('a-name-longer-than-fifteen-bytes')?.ifindex, ifindex)
  for (const name of ['', 'nothing', 'br0\0x', 'x'.repeat(16), 'x'.repeat(500)]) assert.equal(netlink.linkByName(name), undefined)
  for (const index of [0, -1, 4711]) assert.equal(netlink.linkByIndex(index), undefined)
})

test('setLink changes what it is told, and nothing else', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const { ifindex } = netlink.createVeth({ name: 'a', peer: 'b' })
  const bridge = netlink.createBridge({ name: 'br0' })
  const change = (changes: Parameters<Netlink['setLink']>[1], expected: object) => {
    const before = netlink.linkByIndex(ifindex)!
    netlink.setLink(ifindex, changes)
    const after = scratch.ip('link', 'show').find((link: any) => link.ifindex === ifindex)
    assert.deepEqual(ofIp(after), { ...inWordsOfIp(before), ...expected })
    return after
  }
  change({ mtu: 1400 }, { mtu: 1400 })
  change({ mac }, { address: formatMac(mac) })
  change({ name: 'renamed' }, { ifname: 'renamed' })
  change({ alias: 'vpc:x' }, { ifalias: 'vpc:x' })
  change({ alias: '' }, { ifalias: undefined })
  change({ promisc: true }, { promiscuity: 1 })
  change({ promisc: false }, { promiscuity: 0 })
  change({ up: true, mtu: 1300 }, { up: true, mtu: 1300 })
  assert.ok(change({ noArp: true }, {}).flags.includes('NOARP'))
  assert.ok(!change({ noArp: false }, {}).flags.includes('NOARP'))
  change({ up: false }, { up: false })
  assert.equal(change({ addrGenModeNone: true }, {}).inet6_addr_gen_mode, 'none')
  assert.equal(change({ gsoMaxSize: 32768 }, {}).gso_max_size, 32768)
  assert.equal(change({ group: 77 }, {}).group, '77')
  assert.equal(change({ master: bridge.ifindex }, { promiscuity: 1 }).master, 'br0')
  assert.equal(netlink.linkByIndex(ifindex)?.master, bridge.ifindex)
  assert.equal(change({ master: 0 }, { promiscuity: 0 }).master, undefined)
})

test('errors carry the errno and the kernel’s words', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const { ifindex } = netlink.createVeth({ name: 'a', peer: 'b' })
  assert.throws(() => netlink.createBridge({ name: 'a' }), failsWith(errno.EEXIST, /^RTM_NEWLINK: EEXIST/))
  assert.throws(
    () => netlink.setLink(ifindex, { mtu: 70000 }),
    failsWith(errno.EINVAL, /^RTM_SETLINK: EINVAL \(mtu greater than device maximum\)$/),
  )
  assert.throws(() => netlink.setLink(4711, { mtu: 1400 }), failsWith(errno.ENODEV, /^RTM_SETLINK: ENODEV/))
  assert.throws(() => netlink.setLink(ifindex, { mac: new Uint8Array(6) }), failsWith(errno.EADDRNOTAVAIL, /RTM_SETLINK/))
  assert.throws(() => netlink.createBridge({ name: 'a-name-of-16-byt' }), failsWith(errno.ERANGE, /RTM_NEWLINK/))
})

test('a creation that fails half-way leaves nothing', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const alias = 'x'.repeat(300) // refused when the device is there already
  assert.throws(() => netlink.createBridge({ name: 'br0', alias }), KernelError)
  assert.throws(() => netlink.createVeth({ name: 'a', peer: { name: 'b', alias } }), KernelError)
  assert.throws(() => netlink.createVeth({ name: 'a', peer: 'lo' }), KernelError)
  assert.deepEqual(
    netlink.links().map(({ name }) => name),
    ['lo'],
  )
})

test('a device moves to another namespace and is found there', () => {
  using here = new ScratchNetns()
  using there = new ScratchNetns()
  there.netlink.createBridge({ name: 'shift0' })
  there.netlink.createBridge({ name: 'shift1' })
  const unit = here.netlink.createVeth({ name: 'unit', peer: 'switch-side', mac })
  here.netlink.setLink(unit.ifindex, { netnsFd: there.fd })
  assert.equal(here.netlink.linkByName('unit'), undefined)
  const side = here.netlink.linkByName('switch-side')!
  const moved = there.netlink.linkByName('unit')!
  assert.equal(side.linkIndex, moved.ifindex)
  assert.equal(side.linkNetnsId, here.netlink.netnsIdOf(there.fd))
  assert.deepEqual(here.netlink.linkByIndex(side.linkIndex!, side.linkNetnsId)?.mac, mac)

  using other = here.netlink.openByNetnsId(side.linkNetnsId!)!
  other.setLink(moved.ifindex, { mtu: 1234 })
  assert.equal(there.ip('link', 'show', 'unit')[0].mtu, 1234)
  assert.equal(here.netlink.openByNetnsId(4711), undefined)

  const straight = here.netlink.createVeth({ name: 'a', peer: { name: 'b', mac, mtu: 1400, netnsFd: there.fd } })
  assert.deepEqual(there.netlink.linkByName('b')?.linkIndex, straight.ifindex)
  assert.equal(there.netlink.linkByName('b')?.mtu, 1400)
})

test('deleteLink tells whether there was one', () => {
  using scratch = new ScratchNetns()
  const { ifindex } = scratch.netlink.createVeth({ name: 'a', peer: 'b' })
  assert.equal(scratch.netlink.deleteLink(ifindex), true)
  assert.equal(scratch.netlink.deleteLink(ifindex), false)
  assert.equal(scratch.netlink.deleteLink(0), false)
  assert.deepEqual(
    scratch.netlink.links().map(({ name }) => name),
    ['lo'],
  )
})

test('deleteLinks deletes those it is told, gone ones and both ends of a pair too, and nothing else', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const pairs = Array.from({ length: 20 }, (_, i) => netlink.createVeth({ name: `a${i}`, peer: `b${i}`, group: i }))
  netlink.createBridge({ name: 'br0' })
  netlink.deleteLink(pairs[3]!.ifindex)
  netlink.deleteLinks([4711, ...pairs.slice(2).map(({ ifindex }) => ifindex), pairs[5]!.linkIndex!])
  assert.deepEqual(
    netlink
      .links()
      .map(({ name }) => name)
      .sort(),
    ['a0', 'a1', 'b0', 'b1', 'br0', 'lo'],
  )
  netlink.deleteLinks([])
  netlink.deleteLinks([pairs[0]!.ifindex])
  assert.deepEqual(
    netlink
      .links()
      .map(({ name }) => name)
      .sort(),
    ['a1', 'b1', 'br0', 'lo'],
  )
})

test('dumps stay whole while devices come and go', async () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const stable = Array.from({ length: 60 }, (_, i) => netlink.createVeth({ name: `a${i}`, peer: `b${i}` }).ifindex)
  const churn = 'for i in $(seq 30); do ip link add x type bridge; ip link del x; done'
  const child = spawn('nsenter', [`--net=/run/netns/${scratch.name}`, 'sh', '-c', churn], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  while (child.exitCode === null) {
    const seen = new Set(netlink.links().map(({ ifindex }) => ifindex))
    assert.ok(stable.every((ifindex) => seen.has(ifindex)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await ended
})

test('1000 sockets leave no descriptor', () => {
  using scratch = new ScratchNetns()
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  for (let i = 0; i < 500; i++) {
    using inside = Netlink.open(scratch.fd)
    using _outside = Netlink.open()
    if (i % 100 === 0) inside.links()
  }
  assert.equal(open(), before)
})
