import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Netlink } from './netlink.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { Netns } from './netns.ts'
import { NetnsFinder, netnsIdOf } from './nsid.ts'
import { close } from './libc.ts'
import { bindMount, unmount } from './mount.ts'

test('a namespace with a name is found by it, and not by a process that may end at once', async () => {
  using home = Netlink.open()
  using socket = NetlinkSocket.open()
  using stack = new DisposableStack()
  const name = `vpc-nsid-${process.pid}-named`
  using netns = Netns.create(name)
  stack.defer(() => Netns.delete(name))
  const { ifindex } = home.createVeth({ name: 'nsid-named', peer: { name: 'eth0', netnsFd: netns.fd } })
  stack.defer(() => home.deleteLink(ifindex))
  const inside = spawn('nsenter', [`--net=/run/netns/${name}`, 'sh', '-c', 'echo in; exec sleep 60'])
  await once(inside.stdout, 'data')
  // A name whose namespace has gone, as a crash or another mount namespace leaves it, is a plain file.
  const stale = `/run/netns/vpc-nsid-${process.pid}-a-stale-name`
  writeFileSync(stale, '')
  stack.defer(() => rmSync(stale))
  const finder = new NetnsFinder()
  const id = netnsIdOf(socket, netns.fd)!
  close(finder.open(socket, id)!)
  inside.kill('SIGKILL')
  await once(inside, 'close')
  close(finder.open(socket, id)!)
  assert.equal(finder.looks, 1)
})

test('the namespaces of many containers are found by one look at all of them, and found again after they have changed', () => {
  using home = Netlink.open()
  using socket = NetlinkSocket.open()
  using stack = new DisposableStack()
  const names = Array.from({ length: 20 }, (_, i) => `vpc-nsid-${process.pid}-${i}`)
  const make = (name: string): number => {
    using netns = Netns.create(name)
    stack.defer(() => Netns.delete(name))
    const { ifindex } = home.createVeth({ name: `nsid-${name.split('-').at(-1)}`, peer: { name: 'eth0', netnsFd: netns.fd } })
    stack.defer(() => home.deleteLink(ifindex))
    return netnsIdOf(socket, netns.fd)!
  }
  const ids = names.map(make)
  const finder = new NetnsFinder()
  const isFound = (id: number): boolean => {
    const fd = finder.open(socket, id)
    if (fd === undefined) return false
    try {
      return netnsIdOf(socket, fd) === id
    } finally {
      close(fd)
    }
  }
  assert.ok(ids.every(isFound))
  assert.ok(ids.every(isFound))
  assert.equal(finder.looks, 1)
  for (let i = 0; i < 10; i++) assert.equal(isFound(999_999), false)
  assert.ok(finder.looks <= 2, `${finder.looks} looks for one that is not there`)
  // Another has the name now.
  const [first, second] = names.map((name) => `/run/netns/${name}`)
  bindMount(second!, first!)
  stack.defer(() => unmount(first!))
  const fd = finder.open(socket, ids[0]!)
  if (fd !== undefined) close(fd)
  assert.equal(fd, undefined)
})
