import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { compileBpfFile } from '../../test/bpf/compile.ts'
import { PrivateBpffs } from '../../test/bpf/private-bpffs.ts'
import { PrivateNetns } from '../../test/bpf/private-netns.ts'
import { createTcxLink, detachLink, linkInfo, updateLink } from './bpf-link.ts'
import { encodeSkBuff, progInfo, progTestRun, skBuff } from './bpf-program.ts'
import { getPinned, pinObject } from './bpf.ts'
import { errno, KernelError } from './errno.ts'
import { BpfObject } from './libbpf.ts'
import { close } from './libc.ts'

describe('a program on a device', () => {
  let netns: PrivateNetns
  let object: BpfObject
  let ifindex: number

  before(() => {
    netns = new PrivateNetns()
    ifindex = netns.veth('a', 'b')[0]
    object = BpfObject.open(compileBpfFile('probe.bpf.c'))
    object.load()
  })
  after(() => {
    object[Symbol.dispose]()
    netns[Symbol.dispose]()
  })

  test('is held by its link, and replaced in it', () => {
    const [probe, shot] = [object.program('probe').fd, object.program('shot').fd]
    const link = netns.run(() => createTcxLink(probe, ifindex, 'ingress'))
    assert.deepEqual({ ...linkInfo(link), id: 0 }, { id: 0, progId: progInfo(probe).id, ifindex, direction: 'ingress' })
    updateLink(link, shot)
    assert.equal(linkInfo(link).progId, progInfo(shot).id)
    detachLink(link)
    assert.equal(linkInfo(link).ifindex, 0)
    close(link)
  })

  test('outlives its loader when the link is pinned, on the way out too', () => {
    using bpffs = PrivateBpffs.mount()
    const path = join(bpffs.path, 'link')
    const link = netns.run(() => createTcxLink(object.program('probe').fd, ifindex, 'egress'))
    pinObject(link, path)
    const { id } = linkInfo(link)
    close(link)
    const again = getPinned(path)
    assert.deepEqual({ ...linkInfo(again), progId: 0 }, { id, progId: 0, ifindex, direction: 'egress' })
    close(again)
  })

  test('needs the device to be there', () => {
    const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code
    assert.throws(() => netns.run(() => createTcxLink(object.program('probe').fd, 4711, 'ingress')), failsWith(errno.ENODEV))
    assert.throws(() => getPinned('/does/not/exist'), failsWith(errno.ENOENT))
  })

  test('can be run as if a packet came in there', () => {
    const { ctxOut } = netns.run(() =>
      progTestRun(object.program('probe').fd, { dataIn: new Uint8Array(60), ctxIn: encodeSkBuff({ ifindex }) }),
    )
    assert.equal(skBuff.decode(ctxOut).cb[0], ifindex)
  })
})
