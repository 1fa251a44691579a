/**
 * The guest of a hostif: vpcd hands the unit over to a network namespace, and again after the namespace, the device or
 * vpcd was made anew; never does it set the unit up in its own namespace.
 */
import assert from 'node:assert/strict'
import fs, { fstatSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { after, before, mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditReport } from '#abi/audit.ts'
import { handleType, openFlag } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import { json, jsonText } from './inputs.ts'
import { Access } from '#object/host.ts'
import { whereIs } from '#object/type/guest.ts'
import { containerOfCgroup, processOfContainer } from '#system/container-process.ts'
import { markProcess } from '#system/process-mark.ts'
import { makeCgroup } from '../container-cgroup.ts'
import { byProcessNotLink, onlyByRight, onlyForThoseThatGo, withoutFile } from './moved-units.ts'
import { Opened, ScratchHost } from './scratch-host.ts'

let host: ScratchHost
const name = `vpc-guest-${process.pid}`
const other = `${name}-b`
before(() => void (host = new ScratchHost()))
after(async () => {
  for (const each of [name, other]) if (Netns.names().includes(each)) Netns.delete(each)
  await host[Symbol.asyncDispose]()
})

interface Seen {
  readonly up: boolean
  readonly addresses: string[]
  readonly gateways: string[]
}

/** An interface in a namespace, as the kernel has it. */
function seen(netns: string, device: string): Seen | undefined {
  using space = Netns.open(netns)
  using netlink = Netlink.open(space.fd)
  const link = netlink.linkByName(device)
  if (link === undefined) return undefined
  const addresses = netlink.addresses().filter(({ ifindex, address }) => ifindex === link.ifindex && address[0] !== 0xfe)
  return {
    up: link.up,
    addresses: addresses.map(({ address, prefixLength }) => `${formatIp(address as Ip)}/${prefixLength}`).sort(),
    gateways: netlink.defaultRoutes().flatMap(({ gateway }) => (gateway ? [formatIp(gateway as Ip)] : [])),
  }
}

async function eventually<T>(look: () => T, wanted: T): Promise<void> {
  for (let i = 0; i < 800; i++) {
    try {
      return assert.deepEqual(look(), wanted)
    } catch (error) {
      if (i === 799) throw error
    }
    await sleep(25)
  }
}

const guest = (more: object = {}): object => ({
  netns: name,
  name: 'eth0',
  addresses: ['10.0.0.1/24', 'fd00::1/64'],
  gateways: ['10.0.0.254'],
  ...more,
})
const set = (hostif: Opened, value: object | null): Uint8Array => hostif.do('hostifGuestSet', jsonText(value))
const refused = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return (error as Error).message
  }
  return assert.fail('it was taken')
}
const here = (device: string): boolean => host.netlink.linkByName(device) !== undefined
const eth0 = { up: true, addresses: ['10.0.0.1/24', 'fd00::1/64'], gateways: ['10.0.0.254'] }

test('the unit moves, gets its name, addresses and gateway; a repeat changes nothing; another guest takes it', async () => {
  Netns.create(name)[Symbol.dispose]()
  Netns.create(other)[Symbol.dispose]()
  const hostif = host.create('hostif')
  set(hostif, guest())
  assert.deepEqual(seen(name, 'eth0'), eth0)
  assert.equal(here('hostif0'), false)
  set(hostif, guest())
  set(hostif, guest({ addresses: ['10.0.0.2/24'], name: 'lan' }))
  assert.deepEqual(seen(name, 'lan'), { ...eth0, addresses: ['10.0.0.2/24'] })
  assert.equal(seen(name, 'eth0'), undefined)
  set(hostif, guest({ netns: other }))
  assert.deepEqual([seen(name, 'lan'), seen(other, 'eth0')], [undefined, eth0])
  // Without a guest it stays where it is.
  set(hostif, null)
  assert.equal(seen(other, 'eth0')?.up, true)
  hostif.handle.close()
  await eventually(() => seen(other, 'eth0'), undefined)
})

test('what cannot be is refused, and changes nothing', () => {
  const hostif = host.create('hostif')
  assert.match(
    refused(() => set(hostif, guest({ netns: `${name}-none` }))),
    /no network namespace \/run\/netns\/vpc-guest.*start the container/,
  )
  assert.match(
    refused(() => set(hostif, guest({ netns: `pid:${process.pid}:${markProcess(process.pid)!.startTicks}` }))),
    /namespace of vpcd itself/,
  )
  // vpcd opens it as root: no path of the caller's choice, such as a pipe that keeps it waiting.
  for (const netns of ['/proc/self/ns/net', '/tmp/pipe', 'pid:1', '..', 'pid:0:1'])
    assert.match(
      refused(() => set(hostif, guest({ netns }))),
      /a name under \/run\/netns/,
    )
  for (const [wrong, why] of [
    [{ name: 'a/b' }, /1 to 15 characters/],
    [{ addresses: ['10.0.0.1'] }, /prefix length/],
    [{ gateways: ['10.9.0.1'] }, /in the subnet of none/],
    [{ gateways: ['10.0.0.254', '10.0.0.253'] }, /both gateways/],
    [{ routes: [] }, /unknown key 'routes' of a guest/],
  ] as const)
    assert.match(
      refused(() => set(hostif, guest(wrong))),
      why,
    )
  const unit = `hostif${hostif.handle.object!.unit}`
  assert.equal(here(unit), true)
  assert.equal(host.netlink.linkByName(unit)?.up, false)
  hostif.handle.close()
})

test('a guest that was started anew gets its unit again; vpcd that was killed, too; nothing is left in the own namespace', async () => {
  const hostif = host.create('hostif')
  hostif.do('metaCommit')
  const { id } = hostif
  const unit = `hostif${hostif.handle.object!.unit}`
  set(hostif, guest())
  await host.restart()
  assert.deepEqual(seen(name, 'eth0'), eth0)
  // The namespace goes, and the device with it.
  Netns.delete(name)
  await eventually(() => trouble(id), true)
  assert.equal(here(unit), false)
  Netns.create(name)[Symbol.dispose]()
  await eventually(() => seen(name, 'eth0'), eth0)
  await eventually(() => trouble(id), false)
  // It goes while vpcd is away; a start does not make the device before there is a guest.
  await host.restart(() => {
    Netns.delete(name)
    // The kernel takes a namespace down by and by.
    for (const start = performance.now(); here(`sw-${unit}`) && performance.now() - start < 10_000;);
  })
  assert.deepEqual([trouble(id), here(unit)], [true, false])
  Netns.create(name)[Symbol.dispose]()
  await eventually(() => seen(name, 'eth0'), eth0)
  assert.deepEqual(troubles(), [])
})

const mgmt = (operation: 'mgmtTroubles' | 'mgmtAudit' | 'mgmtRepair'): unknown => {
  const opened = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  try {
    return json(opened.do(operation))
  } finally {
    opened.handle.close()
  }
}
const troubles = (): { id: Id }[] => mgmt('mgmtTroubles') as { id: Id }[]
const trouble = (id: Id): boolean => troubles().some((each) => each.id === id)

test('an audit says what somebody changed in the guest, and a repair mends it', async () => {
  using space = Netns.open(name)
  using netlink = Netlink.open(space.fd)
  const { ifindex } = netlink.linkByName('eth0')!
  netlink.deleteAddress({ ifindex, address: Uint8Array.of(10, 0, 0, 1), prefixLength: 24 })
  const found = (): object[] => (mgmt('mgmtAudit') as AuditReport).items.filter((item) => JSON.stringify(item).includes('guest'))
  assert.match(JSON.stringify(found()), /without 1 of its addresses/)
  mgmt('mgmtRepair')
  assert.deepEqual(found(), [])
  assert.deepEqual(seen(name, 'eth0')?.addresses, eth0.addresses)
})

test('a document of an owner that names no guest leaves the one that there is; any other takes it away', () => {
  const opened = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  const document = (): { hostifs: { id: string; guest?: object }[] } => json(opened.do('mgmtExport')) as never
  const [{ id, guest: there } = assert.fail('no hostif')] = document().hostifs
  assert.deepEqual(there, guest())
  const apply = (more: object): unknown => opened.do('mgmtApply', jsonText({ version: 1, hostifs: [{ id }], ...more }))
  apply({ owner: 'agent' })
  assert.deepEqual(document().hostifs[0]!.guest, guest())
  apply({})
  assert.equal(document().hostifs[0]!.guest, undefined)
  opened.handle.close()
})

test('a process is a guest, but no later process with its pid', async () => {
  const hostif = host.create('hostif')
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  try {
    using own = Netns.current()
    const inode = (fd: number): number => fstatSync(fd).ino
    const isApart = (): boolean => {
      using its = Netns.ofPid(child.pid!)
      return inode(its.fd) !== inode(own.fd)
    }
    await eventually(isApart, true)
    const { pid, startTicks } = markProcess(child.pid!)!
    assert.match(
      refused(() => set(hostif, guest({ netns: `pid:${pid}:${startTicks + 1}` }))),
      /process \d+ has ended; start the container, and attach it by its new process/,
    )
    set(hostif, guest({ netns: `pid:${pid}:${startTicks}` }))
    assert.deepEqual(seen(`/proc/${pid}/ns/net`, 'eth0'), eth0)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  hostif.handle.close()
})

test('a container has its interface again after it was started anew, and no process that only looks like it', async () => {
  const container = `guest-${process.pid}`
  const cgroup = makeCgroup(`machine-${container.replace('-', '\\x2d')}.scope`)
  const start = async (within: string): Promise<ChildProcess> => {
    const child = spawn('sh', ['-c', `echo $$ > '${within}/cgroup.procs' && exec unshare --net sleep 600`], { stdio: 'ignore' })
    await eventually(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8'), 'sleep\n')
    return child
  }
  const end = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const inner = join(cgroup, 'machine-inner.scope')
  mkdirSync(inner)
  const hostif = host.create('hostif')
  assert.match(
    refused(() => set(hostif, guest({ netns: `container:${container}` }))),
    /there is no running container guest-/,
  )
  const first = await start(inner)
  assert.match(
    refused(() => set(hostif, guest({ netns: 'container:inner' }))),
    /there is no running container inner/,
  )
  set(hostif, guest({ netns: `container:${container}` }))
  hostif.do('metaCommit')
  assert.deepEqual(seen(`/proc/${first.pid}/ns/net`, 'eth0'), eth0)
  // A process that has left it, or got the pid of one that was in it, is none of it.
  const where = whereIs(`container:${container}`)
  assert.equal(where.isRight(), true)
  writeFileSync(join(cgroup, '../cgroup.procs'), String(first.pid))
  assert.equal(where.isRight(), false)
  await end(first)
  await eventually(() => trouble(hostif.id), true)
  const second = await start(cgroup)
  await eventually(() => seen(`/proc/${second.pid}/ns/net`, 'eth0'), eth0)
  await eventually(() => trouble(hostif.id), false)
  hostif.do('metaDestroy')
  hostif.handle.close()
  await end(second)
  await eventually(() => rmdirSync(inner), undefined)
  await eventually(() => rmdirSync(cgroup), undefined)
})

test('a cgroup that a user can name is of no container', () => {
  const id = 'a1'.repeat(32)
  for (const path of [`/system.slice/docker-${id}.scope/x.service`, `/machine.slice/libpod-${id}.scope/container`, `/docker/${id}`])
    assert.equal(containerOfCgroup(path), id, path)
  assert.equal(containerOfCgroup('/machine.slice/machine-a\\x2db.scope'), 'a-b')
  for (const part of ['user.slice/user-7.slice/user@7.service', 'user.slice', 'system.slice/runner.service', 'system.slice/a@7.service'])
    for (const own of [`docker-${id}.scope`, 'machine-web.scope', 'lxc.payload.web', `docker/${id}`])
      assert.equal(containerOfCgroup(`/${part}/${own}`), undefined, `${part}/${own}`)
})

test('many that look for containers at once look at /proc once', async () => {
  const look = fs.readdirSync
  const looks = mock.method(fs, 'readdirSync', look)
  syncBuiltinESMExports()
  try {
    for (const name of ['one', 'two', 'three']) assert.equal(processOfContainer(`${name}-${process.pid}`), undefined)
    assert.equal(looks.mock.callCount(), 1)
    await undefined
    processOfContainer('one')
    assert.equal(looks.mock.callCount(), 2)
  } finally {
    looks.mock.restore()
    syncBuiltinESMExports()
  }
})

test('to hand over needs a right of its own, by operation and by document', () => {
  const hostif = host.create('hostif')
  hostif.do('metaCommit')
  const rules = [{ to: { uid: 7 }, types: undefined, ids: undefined, rights: new Set(['read', 'write', 'create'] as const) }]
  host.host.access = new Access({ rules })
  const caller = { pid: process.pid, uid: 7, gid: 7 }
  const openAs = (id: Id, type: 'hostif' | 'mgmt', flags: number): Opened =>
    new Opened(host.host.open(caller, idBytes(id), handleType(type), BigInt(flags)))
  const own = openAs(hostif.id, 'hostif', openFlag.open | openFlag.write)
  assert.match(
    refused(() => set(own, guest())),
    /user 7 may not hand over hostif/,
  )
  const whole = openAs(generateId('mgmt'), 'mgmt', openFlag.create | openFlag.read | openFlag.write)
  const hostifs = [{ id: hostif.id, guest: guest() }]
  assert.match(
    refused(() => whole.do('mgmtApply', jsonText({ version: 1, owner: 'agent', hostifs }))),
    /user 7 may not hand over hostif/,
  )
  host.host.access = new Access({ rules: [{ ...rules[0]!, rights: new Set(['read', 'write', 'handover'] as const) }] })
  set(own, guest({ name: 'eth7' }))
  assert.deepEqual(seen(name, 'eth7')?.addresses, eth0.addresses)
  host.host.access = new Access()
  for (const each of [own, whole, hostif]) each.handle.close()
})

test('a unit that something else has moved goes back by who may hand it over, and only when its device has gone', async () => {
  onlyByRight(host)
  await onlyForThoseThatGo(host)
  await withoutFile(host)
  await byProcessNotLink(host)
})
