/**
 * A start with something in the way: vpcd says which object is in trouble and why, and tries again; everything else
 * works.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { suite, test } from 'node:test'
import { openFlag } from '#abi/command.ts'
import type { AuditReport } from '#abi/audit.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { EthlinkInfo, HostifInfo, MuxInfo, ObjectInfo, TroubleInfo, VmnicInfo } from '#abi/info.ts'
import { until } from '../daemon/echo-server.ts'
import { json, sockaddr, text, u16, u32 } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'
import { reopen, world } from './world.ts'

const { create, read, write } = openFlag

const link = (host: ScratchHost, name: string): number => host.netlink.linkByName(name)!.ifindex

/** As after a boot: the devices of the objects are gone. */
function boot(host: ScratchHost): void {
  const ours = host.netlink.links().filter(({ alias }) => alias?.startsWith('vpc:'))
  host.netlink.deleteLinks(ours.map(({ ifindex }) => ifindex))
}

function ask<T>(host: ScratchHost, operation: 'mgmtTroubles' | 'mgmtAudit' | 'mgmtRepair'): T {
  const mgmt = host.open('mgmt', generateId('mgmt'), create | read | write)
  using _ = mgmt.handle
  return json(mgmt.do(operation)) as T
}

const troubles = (host: ScratchHost): TroubleInfo[] => ask(host, 'mgmtTroubles')
const errors = (host: ScratchHost): string =>
  host.lines
    .filter(({ level }) => level === 'error')
    .map(({ message }) => message)
    .join('\n')

/** All objects except these are without trouble, and report that. */
function othersAreWell(host: ScratchHost, ...bad: Id[]): void {
  const mgmt = host.mgmt()
  using _ = mgmt.handle
  for (const info of json(mgmt.do('mgmtDescribeAll', u16(10))) as (ObjectInfo & { device?: string })[]) {
    if (bad.includes(info.id)) continue
    assert.equal(info.trouble, null, info.unit)
    assert.notEqual(info.device, 'missing', info.unit)
  }
  const { items } = ask<AuditReport>(host, 'mgmtAudit')
  const units = new Set(troubles(host).map(({ unit }) => unit))
  assert.deepEqual(
    items.filter(({ kind, what }) => kind === 'device' && !units.has(what)),
    [],
  )
  assert.ok(bad.length === 0 || items.some(({ what, part, found }) => units.has(what) && part === 'state' && found !== ''))
}

suite('a start with something in the way', () => {
  test('a foreign device has the name of a unit: its hostif waits until the name is free', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    await host.kill()
    boot(host)
    host.netlink.createVeth({ name: 'hostif0', peer: 'strange' })
    host.start()
    const [trouble] = troubles(host)
    assert.deepEqual([trouble!.id, trouble!.unit, troubles(host).length], [all.hostif.id, 'hostif0', 1])
    assert.match(trouble!.trouble, /this host has a device hostif0 that is not ours; remove or rename it/)
    assert.match(errors(host), /hostif0 .* is not as it should be: .* not ours/)
    othersAreWell(host, all.hostif.id)
    host.netlink.deleteLink(link(host, 'hostif0'))
    await until(() => troubles(host).length === 0)
    othersAreWell(host)
    assert.equal(reopen(host, all).hostif.describe<HostifInfo>().device, 'hostif0')
    assert.ok(host.datapath.tables.ports.entries().some(([ifindex]) => ifindex === link(host, 'sw-hostif0')))
  })

  test('a program has the UDP port of the mux: it is told, and listens once the port is free or another is chosen', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    await host.kill()
    boot(host)
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(4789, '0.0.0.0', resolve))
    host.start()
    const [trouble] = troubles(host)
    assert.equal(trouble!.id, all.mux.id)
    assert.match(trouble!.trouble, /UDP port 4789 is taken by another program of this host; choose another/)
    othersAreWell(host, all.mux.id)
    assert.deepEqual(host.datapath.tables.muxes.entries(), [], 'nothing is sent to it')
    const { mux } = reopen(host, all)
    mux.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
    await until(() => troubles(host).length === 0)
    assert.equal(host.netlink.linkByName('vpcmux0')!.up, true)
    await host.kill()
    boot(host)
    socket.close()
    const again = createSocket('udp4')
    await new Promise<void>((resolve) => again.bind(4790, '0.0.0.0', resolve))
    host.start()
    assert.equal(troubles(host).length, 1)
    again.close()
    await until(() => troubles(host).length === 0, 10_000)
    assert.equal(host.netlink.linkByName('vpcmux0')!.up, true)
    assert.equal(host.datapath.tables.muxes.entries().length, 2)
  })

  test('another vxlan device has the UDP port of the mux', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    await host.kill()
    boot(host)
    host.netlink.createVxlan({ name: 'other', dstPort: 4789, up: true })
    host.start()
    assert.deepEqual(
      troubles(host).map(({ id }) => id),
      [all.mux.id],
    )
    othersAreWell(host, all.mux.id)
    host.netlink.deleteLink(link(host, 'other'))
    await until(() => troubles(host).length === 0)
    assert.equal(reopen(host, all).mux.describe<MuxInfo>().device, 'vpcmux0')
    assert.equal(host.netlink.linkByName('vpcmux0')!.up, true)
  })

  test('/dev/net/tun is missing: the vmnic waits for it, and so do the mirrors of switches and ethlinks', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    await host.kill()
    boot(host)
    // In the mount namespace of the test's run.
    execFileSync('mount', ['-t', 'tmpfs', 'nothing', '/dev/net'])
    try {
      host.start()
      const found = troubles(host)
      assert.deepEqual(found.map(({ unit }) => unit).sort(), ['ethlink0', 'ethlink1', 'vmnic0', 'vpcsw0'])
      for (const { trouble } of found) assert.match(trouble, /open: ENOENT \(\/dev\/net\/tun; load the module: modprobe tun/)
      othersAreWell(host, ...found.map(({ id }) => id))
      host.create('vpcsw').handle.close()
      const { failures } = ask<AuditReport>(host, 'mgmtRepair')
      assert.match(failures.join(), /cannot repair the device of vmnic0: .*\/dev\/net\/tun/)
    } finally {
      execFileSync('umount', ['/dev/net'])
    }
    await until(() => troubles(host).length === 0, 10_000)
    assert.equal(reopen(host, all).vmnic.describe<VmnicInfo>().device, 'vmnic0')
  })

  test('a device that works is not let go because a part of it cannot be mended', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    await host.kill()
    host.netlink.setLink(link(host, 'vmnic0'), { name: 'renamed' })
    host.netlink.createVeth({ name: 'vmnic0', peer: 'strange' })
    host.start()
    assert.deepEqual(
      troubles(host).map(({ id }) => id),
      [all.vmnic.id],
    )
    assert.ok(
      host.datapath.tables.ports.entries().some(([ifindex]) => ifindex === link(host, 'renamed')),
      'its port works',
    )
    host.netlink.deleteLink(link(host, 'vmnic0'))
    await until(() => troubles(host).length === 0)
    assert.equal(host.netlink.linkByName('renamed'), undefined)
  })
})

suite('a small MTU', () => {
  test('units and muxes below 1280 bytes are made again', async () => {
    await using host = new ScratchHost()
    const small = ['vmnic', 'hostif'].map((type) => host.create(type as 'vmnic'))
    for (const unit of small) {
      unit.do('metaMtuSet', u32(1200))
      unit.keep()
    }
    host.addInterface('under0', 1300, '192.0.2.1')
    const ethlink = host.create('ethlink')
    ethlink.do('ethlinkConnect', text('under0'))
    const mux = host.create('vpcmux')
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    for (const object of [ethlink, mux]) object.keep()
    const followers = [host.create('vmnic'), host.create('hostif')]
    for (const follower of followers) assert.equal(follower.describe<VmnicInfo>().mtuBytes, 1250)
    for (const follower of followers) follower.keep()
    await host.kill()
    boot(host)
    host.start()
    assert.deepEqual(troubles(host), [])
    const mtus = host.netlink
      .links()
      .filter(({ name, alias }) => /^(vmnic|hostif|vpcmux)/.test(name) && /^vpc:[^/]*$/.test(alias ?? ''))
      .map(({ name, mtu }) => `${name} ${mtu}`)
    assert.deepEqual(mtus.sort(), ['hostif0 1200', 'hostif1 1250', 'vmnic0 1200', 'vmnic1 1250', 'vpcmux0 1250'])
    assert.deepEqual(ask<AuditReport>(host, 'mgmtAudit').items, [])
  })
})

suite('interfaces that are renamed', () => {
  test('an interface that gets the name for which another ethlink waits is wrapped by one alone, over a restart too', async () => {
    await using host = new ScratchHost()
    host.addInterface('w0', 1600, '192.0.2.1')
    host.addInterface('w1', 1600, '192.0.3.1')
    const [first, second] = [host.create('ethlink'), host.create('ethlink')]
    first.do('ethlinkConnect', text('w0'))
    second.do('ethlinkConnect', text('w1'))
    const mux = host.create('vpcmux')
    mux.do('vpcmuxListen', sockaddr('192.0.3.1'))
    mux.do('vpcmuxConnect', idBytes(second.id))
    for (const object of [first, second, mux]) object.do('metaCommit')
    host.netlink.deleteLink(link(host, 'w0'))
    await until(() => ask<AuditReport>(host, 'mgmtAudit').items.some(({ what }) => what === 'ethlink0'))
    const w1 = link(host, 'w1')
    execFileSync('ip', ['link', 'set', 'w1', 'down'])
    execFileSync('ip', ['link', 'set', 'w1', 'name', 'w0', 'up'])
    const name = ({ l2Name }: EthlinkInfo): string | null => l2Name
    await until(() => name(second.describe()) === 'w0')
    const isRight = (one: Opened): void => {
      assert.match(one.describe().trouble ?? '', /interface w0 is that of ethlink1 .* now; connect this ethlink to another/)
      assert.deepEqual(
        host.datapath.tables.muxes
          .entries()
          .map(([ifindex]) => ifindex)
          .includes(w1),
        true,
      )
    }
    await until(() => first.describe().trouble !== null)
    isRight(first)
    await host.kill()
    host.start()
    isRight(host.open('ethlink', first.id))
    assert.equal(host.open('ethlink', second.id).describe().trouble, null)
    // Each can be repaired by hand.
    host.open('ethlink', first.id).do('metaDestroy')
    assert.deepEqual(ask<AuditReport>(host, 'mgmtAudit').items, [])
    assert.deepEqual(troubles(host), [])
  })
})
