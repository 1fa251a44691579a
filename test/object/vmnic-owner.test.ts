/** Who may open a vmnic: root alone, until the owner is set. The kernel decides. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noOwner, vmnicOwner } from '#abi/layouts.ts'
import { setTapOwner, openTapQueue } from '#kernel/tap.ts'
import { close } from '#kernel/libc.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'

const owner = (user: number, group: number): Uint8Array => vmnicOwner.encode({ user, group })
const asked = (vmnic: Opened): [number, number] => {
  const { user, group } = vmnicOwner.decode(vmnic.do('vmnicOwnerGet'))
  return [user, group]
}

test('a vmnic is root’s until its owner is set, survives vpcd so, and is mended when the kernel has another', async () => {
  await using host = new ScratchHost()
  const vmnic = host.create('vmnic')
  vmnic.do('metaCommit')
  const device = (): (number | undefined)[] => [
    host.netlink.linkByName('vmnic0')?.tun?.owner,
    host.netlink.linkByName('vmnic0')?.tun?.group,
  ]
  assert.deepEqual(
    [asked(vmnic), device()],
    [
      [noOwner, 0],
      [undefined, 0],
    ],
  )
  vmnic.do('vmnicOwnerSet', owner(noOwner, 12))
  assert.deepEqual(
    [asked(vmnic), device()],
    [
      [noOwner, 12],
      [undefined, 12],
    ],
  )
  vmnic.do('vmnicOwnerSet', owner(1000, 1001))
  assert.deepEqual(
    [asked(vmnic), device()],
    [
      [1000, 1001],
      [1000, 1001],
    ],
  )
  await host.kill()
  setTapOwner({ name: 'vmnic0', owner: 7, group: 7 })
  host.start()
  const again = host.open('vmnic', vmnic.id)
  assert.deepEqual(
    [asked(again), device()],
    [
      [1000, 1001],
      [1000, 1001],
    ],
  )
})

test('a change is refused while a guest has it, while it is frozen, and where the kernel cannot', async () => {
  await using host = new ScratchHost()
  const vmnic = host.create('vmnic')
  vmnic.do('vmnicOwnerSet', owner(1000, 1000))
  const fd = openTapQueue({ name: 'vmnic0' })
  assert.match(refused(() => vmnic.do('vmnicOwnerSet', owner(1001, 1000))).message, /1 queue of it open; stop the guest first/)
  close(fd)
  assert.equal(refused(() => vmnic.do('vmnicOwnerSet', owner(noOwner, 1000))).code, 'EOPNOTSUPP')
  assert.equal(refused(() => vmnic.do('vmnicOwnerSet', owner(1000, noOwner))).code, 'EINVAL')
  assert.equal(refused(() => vmnic.do('vmnicOwnerSet', new Uint8Array(4))).code, 'EINVAL')
  vmnic.do('vmnicFreeze')
  assert.match(refused(() => vmnic.do('vmnicOwnerSet', owner(0, 0))).message, /frozen; unfreeze it first/)
  assert.deepEqual(asked(vmnic), [1000, 1000])
})
