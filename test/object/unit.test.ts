/**
 * Hostifs and vmnics with users: containers take, move and delete them, hypervisors open them, and frames pass while
 * vpcd restarts.
 */
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateId, idBytes } from '#abi/id.ts'
import type { HostifInfo, MissEvent, SourceStats, VmnicInfo } from '#abi/info.ts'
import { deviceFeatures, openEthtool } from '#kernel/ethtool.ts'
import { close } from '#kernel/libc.ts'
import type { Netlink } from '#kernel/netlink.ts'
import { openTapQueue } from '#kernel/tap.ts'
import { dstFlag } from '#datapath/layout.ts'
import { macFrom } from '#wire/mac.ts'
import { Container, output } from './container.ts'
import { json, neighbour, u16, u32, vni } from './inputs.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'

const VNI = 5001

function makeSwitch(host: ScratchHost): Opened {
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(VNI))
  return sw
}

function plug(host: ScratchHost, sw: Opened, unit: Opened): Opened {
  const id = generateId('vpcp')
  sw.do('vpcswPortAdd', idBytes(id))
  const port = host.open('vpcp', id)
  port.do('vpcpConnect', idBytes(unit.id))
  return port
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (holds()) return
    await sleep(20)
  }
  assert.fail(`never came true: ${String(holds)}`)
}

function feature(name: string, netlink: Netlink, device: string, netnsFd?: number): boolean {
  using ethtool = openEthtool(netnsFd)
  return deviceFeatures(ethtool, netlink.linkByName(device)!.ifindex).get(name)!.active
}

const segments = (netlink: Netlink, device: string): boolean => feature('tx-tcp-segmentation', netlink, device)
const closing = (fd: number): { fd: number } & Disposable => ({ fd, [Symbol.dispose]: () => closeSync(fd) })

describe('a hostif', () => {
  test('in a container is delivered to without a detour, and can still be changed', async () => {
    await using host = new ScratchHost()
    using container = new Container()
    const sw = makeSwitch(host)
    const hostif = host.create('hostif')
    plug(host, sw, hostif)
    const { tables } = host.datapath
    const flags = (): number | undefined => tables.fdb.entries()[0]?.[1].flags
    assert.equal(flags(), 0)
    container.take(host.netlink, 'hostif0', '10.0.0.1')
    await eventually(() => flags() === dstFlag.peer)
    assert.equal(tables.flood.entries()[0]![1].dst[0]!.flags, dstFlag.peer)
    hostif.do('metaMtuSet', u32(1300))
    hostif.do('metaMacSet', macFrom('02:00:00:00:00:77'))
    const { mtu, mac } = container.netlink.linkByName('hostif0')!
    assert.deepEqual([mtu, mac], [1300, macFrom('02:00:00:00:00:77')])
    await host.kill()
    host.start()
  })

  test('in a container gets room for outer headers, after a restart too, and the room goes with the last one', async () => {
    await using host = new ScratchHost()
    const ids = [host.create('hostif').keep(), host.create('hostif').keep()]
    const room = () => host.netlink.linkByName('vpcroom0')?.ifindex
    const master = (name: string) => host.netlink.linkByName(name)?.master
    using container = new Container()
    container.take(host.netlink, 'hostif0', '10.0.0.1')
    await eventually(() => room() !== undefined && master('sw-hostif0') === room())
    assert.ok(segments(host.netlink, 'sw-hostif1') && !segments(host.netlink, 'sw-hostif0'))
    assert.ok(feature('rx-gro', container.netlink, 'hostif0', container.netnsFd))
    assert.equal(master('sw-hostif1'), undefined)
    await host.kill()
    container.take(host.netlink, 'hostif1', '10.0.0.2')
    host.start()
    await eventually(() => master('sw-hostif1') === room())
    assert.deepEqual(host.netlink.linkByName('vpcroom0')?.up, false)
    using here = closing(openSync('/proc/thread-self/ns/net', 'r'))
    container.netlink.setLink(container.netlink.linkByName('hostif0')!.ifindex, { netnsFd: here.fd })
    await eventually(() => segments(host.netlink, 'sw-hostif0'))
    for (const id of ids) host.open('hostif', id).do('metaDestroy')
    await eventually(() => room() === undefined && host.netlink.linkByName('vpcroom0-in') === undefined)
  })

  test('that goes with its container is missing, and cannot be connected', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const hostif = host.create('hostif')
    const port = plug(host, sw, hostif)
    const { tables } = host.datapath
    {
      using container = new Container()
      container.take(host.netlink, 'hostif0', '10.0.0.1')
      await eventually(() => tables.fdb.entries()[0]?.[1].flags === dstFlag.peer)
    }
    await eventually(() => hostif.describe<HostifInfo>().device === 'missing')
    assert.deepEqual([...tables.ports.entries(), ...tables.fdb.entries(), ...tables.flood.entries(), ...host.programs()], [])
    assert.equal(hostif.describe<HostifInfo>().port, port.id)
    assert.match(host.lines.map(({ message }) => message).join('\n'), /the device of hostif0 .* is gone/)
    port.do('vpcpDisconnect', idBytes(hostif.id))
    const gone = refused(() => port.do('vpcpConnect', idBytes(hostif.id)))
    assert.deepEqual([gone.code, /make it again with vpc audit --repair/.test(gone.message)], ['ENODEV', true])
    // Its settings can still be changed, for the day when it is made again.
    hostif.do('metaMtuSet', u32(1300))
    hostif.keep()
    await host.kill()
    host.start()
    assert.deepEqual(
      [host.open('hostif', hostif.id).describe<HostifInfo>().device, host.netlink.linkByName('hostif0')?.mtu],
      ['hostif0', 1300],
    )
  })

  test('keeps its connections while vpcd is killed and started, time and again', async () => {
    await using host = new ScratchHost()
    using one = new Container()
    using two = new Container()
    const sw = makeSwitch(host)
    const hostifs = [host.create('hostif'), host.create('hostif')]
    const ports = hostifs.map((hostif) => plug(host, sw, hostif))
    for (const [i, { handle }] of hostifs.entries()) {
      const mac = Array.from(handle.object!.mac, (byte) => byte.toString(16).padStart(2, '0')).join(':')
      sw.do('vpcswNeighbourSet', neighbour(VNI, `10.0.0.${i + 1}`, mac))
    }
    one.take(host.netlink, 'hostif0', '10.0.0.1')
    two.take(host.netlink, 'hostif1', '10.0.0.2')
    for (const opened of [sw, ...ports, ...hostifs]) opened.do('metaCommit')
    await eventually(() => host.datapath.tables.fdb.entries().every(([, { flags }]) => flags === dstFlag.peer))
    const ping = one.start('ping', '-i', '0.005', '-w', '60', '10.0.0.2')
    const ended = output(ping)
    for (let round = 0; round < 4; round++) {
      await sleep(300)
      await host.kill()
      host.start()
    }
    ping.kill('SIGINT')
    const text = await ended
    const sent = /(\d+) packets transmitted/.exec(text)![1]
    const answered = [...text.matchAll(/icmp_seq=(\d+)/g)].map(([, number]) => Number(number))
    // The signal may come between the last request and its answer.
    assert.ok(Number(sent) - answered.length <= 1, `${sent} sent, ${answered.length} answered`)
    assert.deepEqual(
      answered,
      answered.map((_, i) => i + 1),
    )
    assert.deepEqual(
      host.lines.filter(({ level }) => level !== 'debug'),
      [],
    )
    const stats = json(host.mgmt().do('mgmtStats')) as SourceStats[]
    assert.ok(
      stats.every(({ rxPackets }) => rxPackets >= Number(sent)),
      'counters go on',
    )
  })
})

test('unanswered questions and drops are told to those who asked for them', async () => {
  await using host = new ScratchHost()
  using container = new Container()
  const [sw, stranger] = [makeSwitch(host), host.create('vpcsw')]
  const hostif = host.create('hostif')
  plug(host, sw, hostif)
  container.take(host.netlink, 'hostif0', '10.0.0.1')
  const heard: Record<'misses' | 'strange' | 'drops', unknown[]> = { misses: [], strange: [], drops: [] }
  const mgmt = host.mgmt()
  sw.handle.onEvent = (payload) => heard.misses.push(json(payload))
  stranger.handle.onEvent = (payload) => heard.strange.push(json(payload))
  mgmt.handle.onEvent = (payload) => heard.drops.push(json(payload))
  sw.do('vpcswListen')
  stranger.do('vpcswListen')
  mgmt.do('mgmtDropsFollow')
  await container.run('ping', '-c', '1', '-W', '1', '10.0.0.9')
  const arp = (event: unknown): boolean => (event as MissEvent).question === 'arp'
  await eventually(() => heard.misses.some(arp))
  const { port, vni: number, mac, address, target } = heard.misses.find(arp) as MissEvent
  const unitMac = Array.from(hostif.handle.object!.mac, (byte) => byte.toString(16).padStart(2, '0')).join(':')
  assert.deepEqual(
    { port, number, mac, address, target },
    { port: 'vpcp0', number: VNI, mac: unitMac, address: '10.0.0.1', target: '10.0.0.9' },
  )
  assert.ok(
    heard.drops.some(
      (event) => (event as { reason: string; unit: string }).reason === 'no_neighbour' && (event as { unit: string }).unit === 'hostif0',
    ),
  )
  assert.deepEqual(heard.strange, [])
})

describe('a vmnic', () => {
  test('has queues, which nobody changes while a guest has them or they are frozen', async () => {
    await using host = new ScratchHost()
    const vmnic = host.create('vmnic')
    const queues = (): number => vmnic.describe<VmnicInfo>().queues
    assert.deepEqual([queues(), Buffer.from(vmnic.do('vmnicQueuesGet')).readUInt16LE()], [1, 1])
    vmnic.do('vmnicQueuesSet', u16(4))
    vmnic.do('vmnicQueuesSet', Uint8Array.of(2))
    for (const bad of [0, 17]) assert.match(refused(() => vmnic.do('vmnicQueuesSet', u16(bad))).message, /a vmnic has 1 to 16 queues/)
    const guest = [openTapQueue({ name: 'vmnic0' }), openTapQueue({ name: 'vmnic0' })]
    const inUse = refused(() => vmnic.do('vmnicQueuesSet', u16(3)))
    assert.deepEqual([inUse.code, /a hypervisor has 2 queues of it open; stop the guest first/.test(inUse.message)], ['EBUSY', true])
    guest.forEach(close)
    vmnic.do('vmnicQueuesSet', u16(3))
    vmnic.do('vmnicFreeze')
    for (const run of [
      (): unknown => vmnic.do('vmnicQueuesSet', u16(2)),
      (): unknown => vmnic.do('metaMtuSet', u32(1300)),
      (): unknown => vmnic.do('metaMacSet', macFrom('02:00:00:00:00:01')),
    ]) {
      const { code, message } = refused(run)
      assert.deepEqual([code, /the configuration of vmnic0 is frozen; unfreeze it first/.test(message)], ['EBUSY', true])
    }
    vmnic.do('vmnicQueuesSet', u16(3))
    vmnic.do('vmnicUnfreeze')
    vmnic.do('metaMtuSet', u32(1300))
    assert.equal(host.netlink.linkByName('vmnic0')?.mtu, 1300)
  })

  test('is a tap that stays without its user, with virtio headers and many queues', async () => {
    await using host = new ScratchHost()
    host.create('vmnic')
    const { tun, up } = host.netlink.linkByName('vmnic0')!
    assert.deepEqual([up, tun?.tap, tun?.persistent, tun?.vnetHdr, tun?.multiQueue], [true, true, true, true, true])
  })

  test('does not take a device that is there already', async () => {
    await using host = new ScratchHost()
    host.addInterface('vmnic0')
    const { code, message } = refused(() => host.create('vmnic'))
    assert.deepEqual([code, /this host has a device vmnic0 that is not ours; remove or rename it/.test(message)], ['EBUSY', true])
    assert.equal(host.host.info().objects, 0)
  })
})
