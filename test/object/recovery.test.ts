/** A starting vpcd finds what an earlier one has left, leaves what is right alone, and repairs the rest. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import { macFrom } from '#wire/mac.ts'
import { dstKind } from '#datapath/layout.ts'
import { entry, none, u16, u32, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { reopen, world } from './world.ts'

interface Snapshot {
  readonly links: readonly { readonly name: string; readonly ifindex: number }[]
  readonly objects: readonly { readonly unit: string; readonly descriptors: number }[]
}

/** Nobody holds a descriptor after a start. */
const unheld = (snapshot: object): object => ({
  ...snapshot,
  objects: (snapshot as Snapshot).objects.map((object) => ({ ...object, descriptors: 0 })),
})

describe('a start', () => {
  test('after a kill changes nothing that is right', async () => {
    await using host = new ScratchHost()
    world(host)
    const before = host.snapshot()
    const programs = host.datapath.attachments()
    await host.kill()
    host.start()
    assert.deepEqual(host.snapshot(), unheld(before))
    assert.deepEqual(host.lines, [])
    // The same links, with the programs of this start.
    assert.deepEqual(
      host.datapath.attachments().map(({ pinName }) => pinName),
      programs.map(({ pinName }) => pinName),
    )
    assert.notDeepEqual(host.datapath.attachments(), programs)
  })

  test('after an orderly stop finds all again', async () => {
    await using host = new ScratchHost()
    world(host)
    const before = host.snapshot()
    await host.stop()
    host.start()
    assert.deepEqual(host.snapshot(), unheld(before))
    assert.deepEqual(host.lines, [])
  })

  test('removes what was not committed', async () => {
    await using host = new ScratchHost()
    world(host)
    const before = host.snapshot()
    const hostif = host.create('hostif')
    const sw = host.create('vpcsw')
    const port = generateId('vpcp')
    sw.do('vpcswVniSet', vni(6001))
    sw.do('vpcswPortAdd', idBytes(port))
    host.open('vpcp', port).do('vpcpConnect', idBytes(hostif.id))
    host.create('vmnic')
    host.create('vpcmux')
    await host.kill()
    host.start()
    assert.deepEqual(host.snapshot(), unheld(before))
    assert.match(host.lines.map(({ message }) => message).join('\n'), /removing 5 devices that belong to no object/)
  })

  test('repairs tables: what is missing, what is wrong, what nobody knows', async () => {
    await using host = new ScratchHost()
    const { hostif } = world(host)
    const before = host.snapshot()
    const { tables } = host.datapath
    const [[fdbKey, dst]] = tables.fdb.entries().filter(([, { kind }]) => kind === dstKind.local) as [[never, never]]
    tables.fdb.delete(fdbKey)
    tables.fdb.set({ segment: 77, mac: macFrom('02:00:00:00:00:77') }, dst)
    for (const [ifindex, port] of tables.ports.entries()) tables.ports.set(ifindex, { ...port, segment: 4 })
    for (const [segment] of tables.segments.entries()) tables.segments.delete(segment)
    tables.neighbours.set({ segment: 5001, addr: new Uint8Array(16) }, { mac: hostif.handle.object!.mac })
    await host.kill()
    host.start()
    assert.deepEqual(host.snapshot(), unheld(before))
    assert.deepEqual(host.lines.map(({ message }) => message.replace(/ \{.*/, '')).sort(), [
      'repaired table fdb',
      'repaired table neighbours',
      'repaired table ports',
      'repaired table segments',
    ])
  })

  test('gives the switch side of an earlier version the name of today, and keeps the device', async () => {
    await using host = new ScratchHost()
    world(host)
    const { ifindex } = host.netlink.linkByName('sw-hostif0')!
    await host.kill()
    host.netlink.setLink(ifindex, { name: 'hostif0-sw' })
    host.start()
    assert.equal(host.netlink.linkByName('sw-hostif0')?.ifindex, ifindex)
    assert.equal(host.netlink.linkByName('hostif0-sw'), undefined)
  })

  test('makes devices and programs that are gone, and removes strange ones', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    const before = host.snapshot() as Snapshot
    // The switch side of a hostif, a tap and a vxlan device; a program that was taken off; a device that says it is
    // ours.
    const named = (name: string): number => host.netlink.linkByName(name)!.ifindex
    await host.kill()
    host.netlink.deleteLinks([named('sw-hostif0'), named('vmnic0'), named('vpcmux0')])
    host.netlink.setLink(named('wire0'), { promisc: false })
    host.netlink.createVeth({ name: 'stranger', alias: `vpc:${generateId('hostif')}`, peer: 'strange' })
    host.start()
    const after = host.snapshot() as Snapshot
    assert.deepEqual(after.objects, (unheld(before) as Snapshot).objects)
    assert.deepEqual(after.links.map(({ name }) => name).sort(), before.links.map(({ name }) => name).sort())
    const [entryOfUnit] = host.datapath.tables.fdb.entries().filter(([{ mac }]) => Buffer.compare(mac, all.hostif.handle.object!.mac) === 0)
    assert.equal(entryOfUnit![1].ifindex, named('sw-hostif0'))
    assert.equal(host.netlink.linkByName('wire0')!.flags & 0x100, 0x100, 'promiscuous')
    assert.equal(
      host.datapath.attachments().every(({ ifindex }) => ifindex > 0),
      true,
    )
  })

  test('keeps unit numbers, counters, settings, entries and who was promiscuous before', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    const second = host.create('hostif')
    second.keep()
    all.hostif.do('metaMtuSet', u32(1400))
    all.vmnic.do('vmnicQueuesSet', u16(4))
    all.vmnic.do('vmnicFreeze')
    all.mux.do('vpcmuxFteDelete', entry(5001, '02:00:00:00:00:01', '192.0.2.2'))
    all.mux.do('vpcmuxFteSet', entry(5001, '02:00:00:00:00:02', '192.0.2.3', 4790))
    all.port.do('metaDestroy')
    all.hostif.do('metaDestroy')
    const before = host.snapshot()
    const list = all.mux.do('vpcmuxFteList')
    await host.kill()
    host.start()
    assert.deepEqual(host.snapshot(), unheld(before))
    const { mux, vmnic, wire } = reopen(
      host,
      Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'port' && name !== 'hostif')) as never,
    )
    assert.deepEqual(Buffer.from(mux.do('vpcmuxFteList')), Buffer.from(list))
    assert.match(refused(() => vmnic.do('vmnicQueuesSet', u16(2))).message, /frozen/)
    assert.equal(host.open('hostif', second.id).describe().unit, 'hostif1')
    assert.equal(host.create('hostif').describe().unit, 'hostif0')
    wire.do('metaDestroy')
    assert.equal(host.netlink.linkByName('wire0')!.flags & 0x100, 0)
  })

  test('writes its log of entries anew when it has grown', async () => {
    await using host = new ScratchHost()
    const { mux } = world(host)
    for (let i = 0; i < 1200; i++) mux.do('vpcmuxFteSet', entry(5001, `02:00:00:00:01:0${i % 3}`, `192.0.2.${2 + (i % 7)}`))
    assert.ok(host.journal.entries(mux.id).length < 1100)
    const list = mux.do('vpcmuxFteList')
    await host.kill()
    host.start()
    assert.deepEqual(Buffer.from(host.open('vpcmux', mux.id).do('vpcmuxFteList')), Buffer.from(list))
    assert.deepEqual(host.lines, [])
  })

  test('forgets neighbours that were reset', async () => {
    await using host = new ScratchHost()
    const { sw } = world(host)
    sw.do('vpcswReset')
    await host.kill()
    host.start()
    assert.deepEqual(host.open('vpcsw', sw.id).do('vpcswNeighbourList'), none)
  })
})
