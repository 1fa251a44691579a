/** Ethlinks: the interface that one wraps, and the MTU that follows it. */
import assert from 'node:assert/strict'
import { formatMac } from '#wire/mac.ts'
import { describe, test } from 'node:test'
import type { EthlinkInfo } from '#abi/info.ts'
import { text, u16, u32 } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { eventually, mac, underlay, VNI, ways } from './underlay.ts'

describe('an ethlink', () => {
  test('wraps an interface of the host that nobody else has', async () => {
    await using host = new ScratchHost()
    const { ethlink } = underlay(host)
    host.create('hostif')
    host.addInterface('spare0')
    const other = host.create('ethlink')
    const connect = (name: string): { code: string; message: string } => refused(() => other.do('ethlinkConnect', text(name)))
    const none = connect('eth9')
    assert.equal(none.code, 'ENODEV')
    assert.match(none.message, /^cannot connect ethlink1 to interface eth9: this host has no interface of that name; it has .*spare0/)
    assert.doesNotMatch(none.message, /hostif|vpcmux|\blo\b/)
    const wrapped = connect('under0')
    assert.deepEqual([wrapped.code, wrapped.message.includes(`ethlink ethlink0 (${ethlink.id}) wraps it`)], ['EBUSY', true])
    for (const ours of ['hostif0', 'sw-hostif0', 'vpcmux0']) assert.equal(connect(ours).code, 'EBUSY', ours)
    assert.equal(connect('lo').code, 'EINVAL')
    assert.equal(connect('').code, 'EINVAL')
    assert.equal(connect('a/b').code, 'EINVAL')
    assert.equal(connect('sixteen-letters!').code, 'EINVAL')
    assert.equal(refused(() => other.do('ethlinkNameGet')).code, 'ENOTCONN')
    other.do('ethlinkDisconnect')
    other.do('ethlinkConnect', Buffer.from('spare0\0'))
    assert.equal(Buffer.from(other.do('ethlinkNameGet')).toString(), 'spare0'.padEnd(16, '\0'))
    other.do('ethlinkConnect', text('spare0'))
    host.addInterface('spare1')
    other.do('ethlinkConnect', text('spare1'))
    assert.equal(other.describe<EthlinkInfo>().mac, formatMac(host.netlink.linkByName('spare1')!.mac))
    other.do('ethlinkConnect', text('spare0'))
    assert.equal(host.netlink.linkByName('ethlink1')!.mac.join(), host.netlink.linkByName('spare0')!.mac.join())
    assert.equal(connect('under0').code, 'EBUSY')
    assert.equal(refused(() => other.do('ethlinkVtagSet', u16(4096))).code, 'EINVAL')
    assert.match(refused(() => other.do('metaMtuSet', u32(9000))).message, /spare0 has an MTU of 1500; raise that first/)
  })

  test('follows its interface: another MTU, another name, gone and come again', async () => {
    await using host = new ScratchHost()
    const one = underlay(host)
    const { mux, ethlink, ifindex } = one
    const hostif = host.create('hostif')
    for (const way of Object.values(ways)) way(one)
    const mtu = (name: string): number | undefined => host.netlink.linkByName(name)?.mtu
    assert.deepEqual([mtu('hostif0'), mtu('vpcmux0')], [1550, 1550])
    host.netlink.setLink(ifindex, { mtu: 1400 })
    await eventually(() => mtu('hostif0') === 1350)
    assert.deepEqual([mtu('vpcmux0'), host.datapath.tables.fdb.get({ segment: VNI, mac })?.mtu], [1350, 1350])
    host.netlink.setLink(ifindex, { name: 'under9' })
    await eventually(() => ethlink.describe<EthlinkInfo>().l2Name === 'under9')
    host.netlink.deleteLink(ifindex)
    await eventually(() => host.datapath.tables.muxes.entries().length === 0)
    assert.deepEqual([mtu('hostif0'), host.netlink.linkByName('vpcmux0')?.up], [1350, false], 'guests keep the MTU')
    host.addInterface('under9', 1600, '192.0.2.1')
    await eventually(() => host.datapath.tables.muxes.entries().length === 2)
    assert.deepEqual([mtu('hostif0'), host.netlink.linkByName('vpcmux0')?.up], [1550, true])
    const told = host.lines.map(({ message }) => message).filter((message) => message.includes('interface under9'))
    assert.deepEqual(
      told.map((message) => message.replace(/ \(.*\)/, '')),
      ['interface under9 of ethlink0 is gone', 'interface under9 of ethlink0 is there again'],
    )
    hostif.do('metaMtuSet', u32(1280))
    mux.do('metaMtuSet', u32(1290))
    assert.deepEqual([mtu('hostif0'), mtu('vpcmux0')], [1280, 1290])
    assert.equal(refused(() => hostif.do('metaMtuSet', u32(10))).code, 'EINVAL')
    assert.equal(refused(() => hostif.do('metaMtuSet', u32(70_000))).code, 'EINVAL')
  })

  test('keeps the MTU of an interface that is gone, over a restart too', async () => {
    await using host = new ScratchHost()
    const one = underlay(host)
    for (const way of Object.values(ways)) way(one)
    for (const made of [one.ethlink, one.mux, host.create('hostif')]) made.keep()
    const mtus = (): unknown => ['hostif0', 'vpcmux0'].map((name) => host.netlink.linkByName(name)?.mtu)
    host.netlink.deleteLink(one.ifindex)
    await eventually(() => host.datapath.tables.muxes.entries().length === 0)
    await host.restart()
    host.create('hostif')
    assert.deepEqual([mtus(), host.netlink.linkByName('hostif1')?.mtu], [[1550, 1550], 1550])
    host.addInterface('under0', 1500, '192.0.2.1')
    await eventually(() => host.datapath.tables.muxes.entries().length === 2)
    assert.deepEqual([mtus(), host.netlink.linkByName('hostif1')?.mtu], [[1450, 1450], 1450])
    host.netlink.deleteLink(host.netlink.linkByName('under0')!.ifindex)
    await eventually(() => host.datapath.tables.muxes.entries().length === 0)
    await host.restart()
    assert.deepEqual(mtus(), [1450, 1450])
  })
})
