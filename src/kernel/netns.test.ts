import assert from 'node:assert/strict'
import { existsSync, fstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { Netlink } from './netlink.ts'
import { insideNetns, Netns } from './netns.ts'
import { ScratchNetns } from './scratch-netns.ts'

const own = (): string => readlinkSync('/proc/thread-self/ns/net')

test('a function runs inside, and the thread comes back, also from an exception', () => {
  using scratch = new ScratchNetns()
  const home = own()
  const inside = scratch.run(own)
  assert.notEqual(inside, home)
  assert.equal(inside, `net:[${fstatSync(scratch.fd).ino}]`)
  assert.equal(own(), home)
  assert.throws(
    () =>
      scratch.run(() => {
        throw new Error('deliberate')
      }),
    /deliberate/,
  )
  assert.equal(own(), home)
  assert.throws(() => insideNetns(scratch.fd, async () => {}), TypeError)
  assert.equal(own(), home)
  assert.throws(() => insideNetns(0, own), /setns/)
  assert.equal(own(), home)
})

test('a named namespace is one for iproute2 too, and is empty', () => {
  using scratch = new ScratchNetns()
  assert.deepEqual(
    scratch.ip('link', 'show').map((link: any) => link.ifname),
    ['lo'],
  )
  assert.ok(Netns.names().includes(scratch.name))
  using again = Netns.open(scratch.name)
  using byPath = Netns.open(`/run/netns/${scratch.name}`)
  assert.equal(fstatSync(again.fd).ino, fstatSync(scratch.fd).ino)
  assert.equal(fstatSync(byPath.fd).ino, fstatSync(scratch.fd).ino)
  using current = Netns.current()
  using ofSelf = Netns.ofPid(process.pid)
  assert.equal(fstatSync(current.fd).ino, fstatSync(ofSelf.fd).ino)
})

test('names that are taken, gone or impossible are refused', () => {
  using scratch = new ScratchNetns()
  const before = statSync(`/run/netns/${scratch.name}`).ino
  assert.throws(() => Netns.create(scratch.name), { code: 'EEXIST' })
  assert.equal(statSync(`/run/netns/${scratch.name}`).ino, before)
  assert.throws(() => Netns.open('vpc-test-not-there'), { code: 'ENOENT' })
  assert.throws(() => Netns.delete('vpc-test-not-there'), /ENOENT/)
  for (const name of ['', '.', '..', 'a/b', 'a\0b']) assert.throws(() => Netns.create(name), RangeError)
})

test('deleting takes the name at once, and descriptors are closed', () => {
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  const name = `vpc-test-${process.pid}-gone`
  {
    using netns = Netns.create(name)
    using netlink = Netlink.open(netns.fd)
    Netns.delete(name)
    assert.ok(!existsSync(`/run/netns/${name}`))
    assert.equal(netlink.links().length, 1) // it lives on as long as we hold it
  }
  assert.equal(open(), before)
})
