/** Muxes and their underlay: setting one up in any order, what it listens on, its entries, and the MTU that follows. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { describe, test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import type { HostifInfo, MuxInfo } from '#abi/info.ts'
import { encodeArray, fte } from '#abi/layouts.ts'
import { dstKind, floodRemote, muxFlag } from '#datapath/layout.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { broadcast, entry, sockaddr, text, u16, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { mac, underlay, VNI, ways } from './underlay.ts'

describe('a mux', () => {
  for (const order of [
    ['connect', 'listen', 'entry'],
    ['entry', 'listen', 'connect'],
    ['listen', 'entry', 'connect'],
  ]) {
    test(`carries frames once it has all, in the order ${order.join(', ')}`, async () => {
      await using host = new ScratchHost()
      const one = underlay(host)
      const { tables } = host.datapath
      for (const [i, step] of order.entries()) {
        ways[step]!(one)
        const up = host.netlink.linkByName('vpcmux0')!.up
        const inService = order.slice(0, i + 1).includes('connect') && order.slice(0, i + 1).includes('listen')
        // One by its device, one by the interface of its underlay.
        assert.deepEqual([up, tables.muxes.entries().length], [inService, inService ? 2 : 0], step)
      }
      const { ifindex } = host.netlink.linkByName('vpcmux0')!
      const dst = tables.fdb.get({ segment: VNI, mac })
      assert.deepEqual([dst?.kind, dst?.ifindex, dst?.mtu, dst?.vtep.family], [dstKind.remote, ifindex, 1550, 4])
      assert.equal(tables.flood.get({ segment: VNI, page: floodRemote })?.count, 1)
      assert.equal(one.mux.describe<MuxInfo>().listen, '192.0.2.1:4789')
      assert.equal(Buffer.from(one.mux.do('vpcmuxListenGet')).toString(), '192.0.2.1:4789')
      one.mux.do('vpcmuxDisconnect')
      assert.equal(host.netlink.linkByName('vpcmux0')!.up, false)
      assert.deepEqual([...tables.fdb.entries(), ...tables.flood.entries(), ...tables.muxes.entries()], [])
      assert.equal(one.mux.describe<MuxInfo>().entries, 2)
    })
  }

  test("keeps others from its VTEPs' ports, and from its own: as long as it is exclusive, has them and listens", async () => {
    await using host = new ScratchHost()
    const one = underlay(host)
    const ends = (): string[] =>
      host.datapath.tables.tunnelEnds
        .entries()
        .map(([{ kind, port, addr }]) => `${kind} ${formatIp(fromMapped(addr))} ${port}`)
        .sort()
    const own = (port = 4789): string[] => [`0 192.0.2.1 ${port}`, '1 192.0.2.1 0', '2 192.0.2.1 0']
    ways['entry']!(one)
    assert.deepEqual(ends(), [])
    ways['listen']!(one)
    assert.deepEqual(ends(), [...own(), '0 192.0.2.2 4789', '1 192.0.2.2 0'].sort())
    one.mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:03', '192.0.2.2', 8472))
    one.mux.do('vpcmuxFteSet', entry(VNI + 1, '02:00:00:00:00:03', '192.0.2.3', 8472))
    const two = ['0 192.0.2.2 8472', '0 192.0.2.3 8472', '1 192.0.2.3 0']
    assert.deepEqual(ends(), [...own(), '0 192.0.2.2 4789', '1 192.0.2.2 0', ...two].sort())
    one.mux.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
    assert.deepEqual(ends(), [...own(4790), '0 192.0.2.2 4790', '1 192.0.2.2 0', ...two].sort())
    ways['connect']!(one)
    one.mux.do('vpcmuxExclusiveSet', u16(0))
    assert.deepEqual([ends(), host.datapath.tables.muxes.entries().some(([, { flags }]) => flags & muxFlag.exclusive)], [[], false])
    one.mux.do('vpcmuxExclusiveSet', u16(1))
    one.mux.do('vpcmuxFteDelete', entry(VNI, '02:00:00:00:00:03', '192.0.2.2'))
    one.mux.do('vpcmuxFteDelete', entry(VNI + 1, '02:00:00:00:00:03', '192.0.2.3'))
    assert.deepEqual(ends(), [...own(4790), '0 192.0.2.2 4790', '1 192.0.2.2 0'].sort())
    assert.ok(host.datapath.tables.muxes.entries().every(([, { flags }]) => flags & muxFlag.exclusive))
    // A mux that does not listen yet says nothing, not even of a VTEP that another one has.
    const silent = host.create('vpcmux')
    silent.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:04', '192.0.2.2'))
    assert.deepEqual(ends(), [...own(4790), '0 192.0.2.2 4790', '1 192.0.2.2 0'].sort())
    silent.do('metaDestroy')
    one.mux.do('metaDestroy')
    assert.deepEqual(ends(), [])
  })

  test('takes sockaddrs in BSD layout, and IPv6', async () => {
    await using host = new ScratchHost()
    const { mux, ethlink } = underlay(host)
    mux.do('vpcmuxListen', Uint8Array.of(16, 2, 0x12, 0xb5, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0))
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    assert.equal(mux.describe<MuxInfo>().mtuBytes, 1550)
    mux.do('vpcmuxListen', sockaddr('2001:db8::1'))
    assert.deepEqual([mux.describe<MuxInfo>().listen, mux.describe<MuxInfo>().mtuBytes], ['[2001:db8::1]:4789', 1530])
    mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:01', '2001:db8::2'))
    assert.equal(host.datapath.tables.fdb.get({ segment: VNI, mac })?.vtep.family, 6)
  })

  test('listens on an address of the host, on a port that is free', async () => {
    await using host = new ScratchHost()
    const { mux, ethlink } = underlay(host)
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    const strange = refused(() => mux.do('vpcmuxListen', sockaddr('192.0.2.9')))
    assert.equal(strange.code, 'EADDRNOTAVAIL')
    assert.equal(
      strange.message,
      'cannot listen on 192.0.2.9:4789 with vpcmux0: this host does not have address 192.0.2.9; it has 192.0.2.1',
    )
    assert.match(refused(() => mux.do('vpcmuxListen', sockaddr('2001:db8::9'))).message, /it has 2001:db8::1$/)
    assert.match(refused(() => mux.do('vpcmuxListen', sockaddr('192.0.2.1', 0))).message, /has port 0/)
    for (const bad of [new Uint8Array(16), new Uint8Array(15), new Uint8Array(0)])
      assert.equal(refused(() => mux.do('vpcmuxListen', bad)).code, 'EINVAL')
    assert.equal(refused(() => mux.do('vpcmuxListenGet')).code, 'ENOTCONN')
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    host.addInterface('under1', 1500, '198.51.100.1')
    const [other, link] = [host.create('vpcmux'), host.create('ethlink')]
    link.do('ethlinkConnect', text('under1'))
    assert.match(refused(() => other.do('vpcmuxConnect', idBytes(ethlink.id))).message, /it is the underlay of vpcmux0/)
    other.do('vpcmuxConnect', idBytes(link.id))
    const taken = refused(() => other.do('vpcmuxListen', sockaddr('198.51.100.1')))
    assert.deepEqual([taken.code, /vpcmux0 \(.*\) listens on UDP port 4789/.test(taken.message)], ['EADDRINUSE', true])
    const idle = host.create('vpcmux')
    const { port: kept } = host.netlink.linkByName('vpcmux2')!.vxlan!
    const early = refused(() => mux.do('vpcmuxListen', sockaddr('192.0.2.1', kept)))
    assert.equal(early.code, 'EADDRINUSE')
    assert.match(early.message, /vpcmux2 \(.*\) keeps UDP port \d+, and does not listen yet; let it listen on another port, destroy it/)
    idle.do('metaDestroy')
    const stranger = createSocket('udp4')
    await new Promise<void>((bound) => stranger.bind(4791, bound))
    const inUse = refused(() => other.do('vpcmuxListen', sockaddr('198.51.100.1', 4791)))
    stranger.close()
    assert.equal(inUse.code, 'EADDRINUSE')
    assert.match(inUse.message, /UDP port 4791 is taken by another program of this host; choose another/)
    other.do('vpcmuxListen', sockaddr('198.51.100.1', 4790))
    assert.equal(host.netlink.linkByName('vpcmux1')?.vxlan?.port, 4790)
  })

  test('puts its programs on the underlay, for as long as that is one', async () => {
    await using host = new ScratchHost()
    const { mux, ethlink, ifindex } = underlay(host)
    const onUnderlay = (): string[] =>
      host.datapath
        .attachments()
        .filter((attachment) => attachment.ifindex === ifindex)
        .map(({ pinName, direction }) => `${pinName} ${direction}`)
        .sort()
    const all = ['ethlink0-egress egress', 'ethlink0-underlay ingress']
    assert.deepEqual(onUnderlay(), [])
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    assert.deepEqual(onUnderlay(), all)
    mux.do('vpcmuxDisconnect')
    assert.deepEqual(onUnderlay(), [])
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    assert.deepEqual(onUnderlay(), all)
    await host.kill()
    host.start()
    assert.deepEqual(host.datapath.attachments(), [])
  })

  test('moves to another UDP port with all that it has', async () => {
    await using host = new ScratchHost()
    const one = underlay(host)
    for (const way of Object.values(ways)) way(one)
    const { tables } = host.datapath
    const before = host.netlink.linkByName('vpcmux0')!
    one.mux.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
    const after = host.netlink.linkByName('vpcmux0')!
    assert.notEqual(after.ifindex, before.ifindex)
    assert.deepEqual([after.up, after.vxlan?.port, host.netlink.linkByIndex(before.ifindex)], [true, 4790, undefined])
    assert.deepEqual(
      [new Set(tables.muxes.entries().map(([key]) => key)), tables.fdb.get({ segment: VNI, mac })?.ifindex],
      [new Set([one.ifindex, after.ifindex]), after.ifindex],
    )
    assert.deepEqual(
      host
        .programs()
        .filter(({ ifindex }) => ifindex !== one.ifindex)
        .map(({ pinName, ifindex }) => [pinName, ifindex]),
      [['vpcmux0-4790', after.ifindex]],
    )
    assert.deepEqual(host.lines, [])
  })

  test('has an underlay that is an ethlink', async () => {
    await using host = new ScratchHost()
    const { mux, ethlink } = underlay(host)
    assert.equal(refused(() => mux.do('vpcmuxConnect', idBytes(generateId('vpcp')))).code, 'EOPNOTSUPP')
    assert.equal(refused(() => mux.do('vpcmuxConnect', idBytes(generateId('hostif')))).code, 'EINVAL')
    assert.equal(refused(() => mux.do('vpcmuxConnect', idBytes(generateId('ethlink')))).code, 'ENOENT')
    mux.do('vpcmuxDisconnect')
    assert.equal(refused(() => mux.do('vpcmuxConnectedGet')).code, 'ENOTCONN')
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    assert.deepEqual(Buffer.from(mux.do('vpcmuxConnectedGet')), Buffer.from(idBytes(ethlink.id)))
  })
})

describe('forwarding entries', () => {
  test('are set and deleted wholly or not at all', async () => {
    await using host = new ScratchHost()
    const { mux } = underlay(host)
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    const good = entry(VNI, '02:00:00:00:00:01', '192.0.2.2')
    const cases: readonly (readonly [Uint8Array, string, RegExp])[] = [
      [entry(0, '02:00:00:00:00:02', '192.0.2.2'), 'EINVAL', /entry 2 of 2: VNI 0 never leaves the host/],
      [entry(1 << 24, '02:00:00:00:00:02', '192.0.2.2'), 'EINVAL', /does not fit in 24 bits/],
      [entry(VNI, 'ff:ff:ff:ff:ff:ff', '192.0.2.2'), 'EINVAL', /VTEPs for broadcast and multicast have MAC zero/],
      [entry(VNI, '02:00:00:00:00:02', '239.0.0.1'), 'EINVAL', /2 of 2: 239.0.0.1 is not an address of a host/],
      [entry(VNI, '02:00:00:00:00:02', '127.0.0.1'), 'EINVAL', /2 of 2: 127.0.0.1 is not an address of a host/],
      [
        entry(VNI, '02:00:00:00:00:02', '2001:db8::2'),
        'EAFNOSUPPORT',
        /VTEP \[2001:db8::2\] is IPv6, and the mux listens on 192.0.2.1:4789/,
      ],
      [
        encodeArray(fte, [{ vni: VNI, mac, port: 0, family: 5, pad: new Uint8Array(3), address: new Uint8Array(16) }]),
        'EINVAL',
        /neither 4 nor 6/,
      ],
    ]
    for (const [bad, code, message] of cases) {
      const found = refused(() => mux.do('vpcmuxFteSet', Buffer.concat([good, bad])))
      assert.equal(found.code, code)
      assert.match(found.message, message)
      assert.equal(mux.describe<MuxInfo>().entries, 0)
    }
    for (const length of [0, 31, 33]) assert.equal(refused(() => mux.do('vpcmuxFteSet', new Uint8Array(length))).code, 'EINVAL')
    mux.do('vpcmuxFteSet', good)
    const missing = refused(() => mux.do('vpcmuxFteDelete', Buffer.concat([good, entry(VNI, broadcast, '192.0.2.3')])))
    assert.match(missing.message, /there is no VTEP 192.0.2.3 in the replication list of VNI 5001/)
    assert.deepEqual(Buffer.from(mux.do('vpcmuxFteList')), Buffer.from(good))
    const list = Array.from({ length: 64 }, (_, i) => entry(VNI, broadcast, `192.0.2.${i + 2}`))
    mux.do('vpcmuxFteSet', Buffer.concat(list))
    mux.do('vpcmuxFteSet', list[0])
    const full = refused(() =>
      mux.do('vpcmuxFteSet', Buffer.concat([entry(VNI, '02:00:00:00:00:03', '192.0.2.2'), entry(VNI, broadcast, '192.0.2.99')])),
    )
    assert.deepEqual([full.code, /replication list of VNI 5001 has room for 64 VTEPs/.test(full.message)], ['ENOSPC', true])
    assert.equal(mux.describe<MuxInfo>().entries, 65)
    assert.match(refused(() => mux.do('vpcmuxListen', sockaddr('2001:db8::1'))).message, /it has forwarding entries with IPv4 VTEPs/)
    const other = host.create('vpcmux')
    assert.equal(refused(() => other.do('vpcmuxFteSet', good)).code, 'EEXIST')
    other.do('vpcmuxFteSet', entry(VNI, broadcast, '192.0.2.2'))
  })

  test('stand behind units of this host, and come back when those go; this host is not a VTEP of itself', async () => {
    await using host = new ScratchHost()
    const { mux, ethlink } = underlay(host)
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    mux.do(
      'vpcmuxFteSet',
      Buffer.concat([
        entry(VNI, '02:00:00:00:00:01', '192.0.2.2'),
        entry(VNI, '02:00:00:00:00:02', '192.0.2.1'),
        entry(VNI, broadcast, '192.0.2.1'),
      ]),
    )
    const { tables } = host.datapath
    const kind = (): number | undefined => tables.fdb.get({ segment: VNI, mac })?.kind
    assert.deepEqual([tables.fdb.entries().length, tables.flood.entries().length, kind()], [1, 0, dstKind.remote])
    const [sw, hostif, id] = [host.create('vpcsw'), host.create('hostif'), generateId('vpcp')]
    hostif.do('metaMacSet', mac)
    sw.do('vpcswVniSet', vni(VNI))
    sw.do('vpcswPortAdd', idBytes(id))
    host.open('vpcp', id).do('vpcpConnect', idBytes(hostif.id))
    assert.equal(kind(), dstKind.local)
    hostif.do('metaDestroy')
    assert.equal(kind(), dstKind.remote)
  })

  test('100 000 of them at once, all in one batch, in a fraction of a second', async () => {
    await using host = new ScratchHost({})
    const { mux, ethlink } = underlay(host)
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    mux.do('metaCommit')
    const entries = encodeArray(
      fte,
      Array.from({ length: 100_000 }, (_, i) => {
        const bytes = Uint8Array.of(2, 0, i >>> 24, i >>> 16, i >>> 8, i)
        return {
          vni: VNI + (i % 100),
          mac: bytes,
          port: 0,
          family: 4,
          pad: new Uint8Array(3),
          address: Uint8Array.of(192, 0, 2, 2 + (i % 200)),
        }
      }),
    )
    // The quickest of a few, and by the processor's time: others use this machine too.
    let quickest = Infinity
    for (let round = 0; round < 4; round++) {
      if (round > 0) mux.do('vpcmuxFteDelete', entries)
      const start = process.cpuUsage()
      mux.do('vpcmuxFteSet', entries)
      const { user, system } = process.cpuUsage(start)
      quickest = Math.min(quickest, (user + system) / 1000)
      assert.equal(host.datapath.tables.fdb.encodedEntries().length, 100_000)
    }
    assert.ok(quickest < 300, `took ${quickest} ms`)
    const again = host.datapath.tables.fdb.encodedEntries().length
    await host.kill()
    host.start()
    assert.deepEqual(
      [again, host.lines.filter(({ message }) => /fdb/.test(message)).length],
      [100_000, 1],
      'the uncommitted ethlink takes the way with it',
    )
    const reopened = host.open('vpcmux', mux.id)
    assert.equal(reopened.describe<MuxInfo>().entries, 100_000)
    reopened.do('vpcmuxFteDelete', entries)
    assert.equal(reopened.describe<MuxInfo>().entries, 0)
  })
})

describe('a full table', () => {
  test('is named with its size, and nothing is half done', async () => {
    await using host = new ScratchHost({ fdb: 8, neighbours: 4, stats: 6 })
    const { mux, ethlink } = underlay(host)
    mux.do('vpcmuxConnect', idBytes(ethlink.id))
    mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    const entries = (from: number, count: number): Uint8Array =>
      Buffer.concat(
        Array.from({ length: count }, (_, i) => entry(VNI, `02:00:00:00:00:${(from + i).toString(16).padStart(2, '0')}`, '192.0.2.2')),
      )
    mux.do('vpcmuxFteSet', entries(1, 5))
    const before = host.snapshot()
    const found = refused(() => mux.do('vpcmuxFteSet', entries(4, 8)))
    assert.equal(found.code, 'ENOSPC')
    assert.match(found.message, /^cannot set forwarding entries of vpcmux0: table fdb is full, it takes 8 entries/)
    assert.deepEqual(host.snapshot(), before)
    mux.do('vpcmuxFteSet', entries(4, 5))
    const sw = host.create('vpcsw')
    const id = generateId('vpcp')
    sw.do('vpcswPortAdd', idBytes(id))
    const port = host.open('vpcp', id)
    const hostif = host.create('hostif')
    const connect = refused(() => port.do('vpcpConnect', idBytes(hostif.id)))
    assert.match(connect.message, /^cannot connect hostif0 to port vpcp0: table fdb is full/)
    assert.equal(hostif.describe<HostifInfo>().port, null)
    mux.do('vpcmuxFteDelete', entries(1, 1))
    port.do('vpcpConnect', idBytes(hostif.id))
    for (let i = 0; i < 4; i++) sw.do('vpcswPortAdd', idBytes(generateId('vpcp')))
    const stats = refused(() => sw.do('vpcswPortAdd', idBytes(generateId('vpcp'))))
    assert.deepEqual([stats.code, /table stats has 6 entries/.test(stats.message)], ['ENOSPC', true])
  })
})
