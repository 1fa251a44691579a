/**
 * A guest moves to another host under traffic: the unit there is held, then in service, and frames that come to the old
 * host go on. Needs root.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { guestDevice, underlayDevice } from '#lab/names.ts'
import { udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, formatMac, macFrom, type Mac } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { ScratchLab } from '../lab/scratch-lab.ts'
import { Running } from './counted-traffic.ts'

/** `sender` is on h1; `moving` is on h2, and `place` is where it will be on h3, beside `witness`. */
const threeHosts = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {}, h3: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } } }
guests:
  sender: { host: h1, subnet: red/a, address: 10.0.0.1 }
  moving: { host: h2, subnet: red/a, address: 10.0.0.2 }
  place: { host: h3, subnet: red/a, address: 10.0.0.3 }
  witness: { host: h3, subnet: red/a, address: 10.0.0.4 }
`
const vni = 5001
const address = '10.0.0.2'

let lab: ScratchLab
before(async () => void (lab = await ScratchLab.up(threeHosts)))
after(async () => lab?.[Symbol.asyncDispose]())

const mac = (): string => formatMac(lab.guest('moving').mac as never)
const vtepOf = (host: string): string => lab.host(host).listen.replace(/:\d+$/, '')
const port = (guest: string) => lab.vpc(lab.guest(guest).host).openPort(lab.guest(guest).portId, { write: true })

/** Say on a host where the moving guest is. */
async function point(host: string, to: string, forward = false): Promise<void> {
  await using mux = await lab.vpc(host).openMux(lab.host(host).muxId, { write: true })
  await mux.setEntries([{ vni, mac: mac(), vtep: vtepOf(to), forward }])
}

async function hold(held: boolean): Promise<void> {
  await using held3 = await port('place')
  await held3.setHeld(held)
}

/** Wait until a number grows by some. */
async function grows(read: () => Promise<number>, by = 20): Promise<void> {
  const from = await read()
  for (const end = Date.now() + 20_000; (await read()) < from + by;) {
    assert.ok(Date.now() < end, 'no frame came within 20 s')
    await sleep(20)
  }
}

const received = (guest: string) => async (): Promise<number> => (await lab.portStats(guest)).txPackets
const drops = async (host: string): Promise<Readonly<Record<string, number>>> => (await lab.muxStats(host)).drops

/** Whether the witness gets a frame in the name of the moving guest that a host sends as a forwarded one. */
async function believes(host: string): Promise<boolean> {
  const macOf = async (each: string): Promise<Mac> =>
    macFrom(JSON.parse(await lab.must(each, 'ip', '-j', 'link', 'show', underlayDevice))[0].address as string)
  const name = Buffer.from(`from ${host} ${Math.random()}`)
  const [to, link] = [lab.guest('witness'), { srcMac: await macOf(host), dstMac: await macOf('h3') }]
  const ends = { src: ipFrom(address), dst: ipFrom('10.0.0.4'), srcPort: 7, dstPort: 7 }
  const inner = udpFrame({ ...ends, srcMac: macFrom(mac()), dstMac: asMac(to.mac) }, name)
  const outer = { ...link, src: ipFrom(vtepOf(host)), dst: ipFrom(vtepOf('h3')), ttl: 255, vni: vniFrom(vni) }
  await lab.setExclusive(host, false)
  using socket = lab.raw(host, underlayDevice)
  using witness = lab.raw('witness')
  const before = await drops('h3')
  socket.send(vxlanFrame(outer, inner))
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    if ((await witness.waitFor((frame) => Buffer.from(frame).includes(name), 20)) !== undefined) return true
    if (((await drops('h3'))['bad_vtep'] ?? 0) > (before['bad_vtep'] ?? 0)) return false
  }
  throw new Error('the frame came nowhere')
}

suite('a guest that moves', () => {
  before(async () => {
    await hold(true)
    await using hostif = await lab.vpc('h3').openHostif(lab.guest('place').interfaceId, { write: true })
    await hostif.setMac(mac())
    await using there = await port('place')
    await there.setAddresses([address])
    await lab.must('place', 'ip', 'addr', 'flush', 'dev', guestDevice)
    await lab.must('place', 'ip', 'addr', 'add', `${address}/24`, 'dev', guestDevice)
    await point('h3', 'h2')
  })

  test('neither sends nor receives where it is held', async () => {
    const before = await lab.portStats('place')
    assert.notEqual((await lab.run('place', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.1')).code, 0)
    await lab.must('sender', 'ping', '-n', '-c', '3', '-i', '0.1', '-W', '2', address)
    const now = await lab.portStats('place')
    assert.ok((now.drops['port_held'] ?? 0) > (before.drops['port_held'] ?? 0), JSON.stringify(now))
    assert.equal(now.txPackets, before.txPackets)
  })

  test('loses nothing, and no datagram comes twice', async () => {
    await using stack = new AsyncDisposableStack()
    const start = async (guest: string, ...args: string[]): Promise<Running> => {
      const running = new Running(lab.netns(guest), ...args)
      stack.defer(() => running.kill())
      await running.next()
      return running
    }
    const [old, next] = [await start('moving', 'receive', '7007'), await start('place', 'receive', '7007')]
    const sender = await start('sender', 'send', address, '7007')
    const dropped = await drops('h2')
    await grows(received('moving'))
    await hold(false)
    await point('h2', 'h3', true)
    {
      // What is on its way to another host still sends, and gets nothing any more.
      await using left = await port('moving')
      await left.setLeaving(true)
      await grows(received('place'))
      const [sent, got] = [received('sender'), await received('moving')()]
      const arrives = grows(sent, 3)
      await lab.run('moving', 'ping', '-n', '-c', '5', '-i', '0.1', '-W', '1', '10.0.0.1')
      await arrives
      assert.equal(await received('moving')(), got)
      await left.disconnect(lab.guest('moving').interfaceId)
      await left.setLeaving(false)
    }
    await grows(received('place'))
    await point('h1', 'h3')
    await grows(received('place'))
    await point('h2', 'h3')
    await sleep(100)
    const { datagrams: sent } = await sender.stop<{ datagrams: number }>()
    await sleep(100)
    const [before, now] = [await old.stop<{ datagrams: number }>(), await next.stop<{ datagrams: number }>()]
    assert.ok(before.datagrams > 10 && now.datagrams > 30, JSON.stringify({ before, now }))
    assert.equal(before.datagrams + now.datagrams, sent)
    assert.deepEqual(await drops('h2'), dropped)
  })

  test('sends as one that others know elsewhere, until the entry is gone', async () => {
    const ttl = async (): Promise<string | undefined> => {
      const capture = lab.run(
        'h1',
        'timeout',
        '10',
        'tcpdump',
        '-nn',
        '-v',
        '-l',
        '-c',
        '1',
        '-i',
        underlayDevice,
        `src ${vtepOf('h3')} and udp`,
      )
      const ping = lab.run('place', 'ping', '-n', '-c', '50', '-i', '0.1', '-W', '1', '10.0.0.1')
      const { stdout } = await capture
      await ping
      return /ttl (\d+)/.exec(stdout)?.[1]
    }
    assert.equal(await ttl(), '255')
    assert.deepEqual([await believes('h1'), await believes('h2')], [false, true])
    await using mux = await lab.vpc('h3').openMux(lab.host('h3').muxId, { write: true })
    await mux.deleteEntries([{ vni, mac: mac() }])
    assert.equal(await ttl(), '64')
    assert.deepEqual([await believes('h1'), await believes('h2')], [false, false])
    await using mgmt = await lab.vpc('h3').mgmt()
    assert.deepEqual((await mgmt.audit()).items, [])
    await point('h3', 'h2')
  })

  test('two hosts that point at each other send a frame on once', async () => {
    await hold(true)
    await point('h1', 'h2')
    await point('h2', 'h3', true)
    await point('h3', 'h2', true)
    const [before, h2] = [await drops('h3'), await lab.muxStats('h2')]
    await lab.run('sender', 'ping', '-n', '-c', '5', '-i', '0.1', '-W', '1', address)
    const now = await drops('h3')
    assert.equal((now['forwarded'] ?? 0) - (before['forwarded'] ?? 0), 5)
    assert.equal((await lab.muxStats('h2')).txPackets - h2.txPackets, 5)
  })

  test('says which entry was used, until that is cleared', async () => {
    await using mux = await lab.vpc('h1').openMux(lab.host('h1').muxId, { write: true })
    const used = async (): Promise<boolean> => (await mux.entriesWithFlags()).find((entry) => entry.mac === mac())!.used
    assert.ok(await used())
    await mux.clearUsed()
    assert.ok(!(await used()))
    await lab.run('sender', 'ping', '-n', '-c', '1', '-W', '1', address)
    assert.ok(await used())
  })
})
