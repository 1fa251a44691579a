/** A plain Linux kernel VXLAN device at the other end of the underlay exchanges traffic with our guests, both ways. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { measureTransfer } from '#lab/transfer.ts'
import { longestFrame } from './large-frames.ts'
import { RawSocket } from './raw-socket.ts'
import { ScratchLab } from './scratch-lab.ts'
import { peerDevice, ping, VxlanPeer } from './vxlan-peer.ts'

const oneHost = (network: string): string => `
underlay: { network: '${network}', mtu: 1500 }
hosts: { h1: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' } } } }
guests: { red1: { host: h1, subnet: red/a } }
`
const inside = ['10.0.0.200', 'fd00:5001::200']
const zero = '00:00:00:00:00:00'

interface Case {
  readonly what: string
  readonly network: string
  readonly underlay: string
  readonly port: number
  readonly mtu: number
}

const cases: Case[] = [
  { what: 'on an IPv4 underlay', network: '192.0.2.0/24', underlay: '192.0.2.100/24', port: 4789, mtu: 1450 },
  { what: 'on another UDP port than ours', network: '192.0.2.0/24', underlay: '192.0.2.100/24', port: 8472, mtu: 1450 },
  { what: 'on an IPv6 underlay', network: '2001:db8::/64', underlay: '2001:db8::100/64', port: 4789, mtu: 1430 },
]

for (const { what, network, underlay, port, mtu } of cases)
  suite(`a kernel VXLAN device ${what}`, () => {
    const mac = '02:00:00:00:00:c8'
    let lab: ScratchLab
    let peer: VxlanPeer
    before(async () => {
      lab = await ScratchLab.up(oneHost(network))
      const guests = [lab.guest('red1')]
      const addresses = [`${inside[0]}/24`, `${inside[1]}/64`]
      peer = await VxlanPeer.create(lab.plan, 'plain', { underlay, vni: 5001, addresses, mac, port, guests })
      const vtep = port === 4789 ? peer.vtep : `${peer.vtep}:${port}`
      await using mux = await lab.vpc('h1').openMux(lab.host('h1').muxId, { write: true })
      await mux.setEntries([
        { vni: 5001, mac, vtep },
        { vni: 5001, mac: zero, vtep },
      ])
      await using sw = await lab.vpc('h1').openSwitch(lab.host('h1').switches[0]!.id, { write: true })
      await sw.setNeighbours(inside.map((address) => ({ vni: 5001, address, mac })))
    })
    after(async () => {
      await peer?.[Symbol.asyncDispose]()
      await lab?.[Symbol.asyncDispose]()
    })

    test('pings of both families, from either side, up to the MTU', async () => {
      for (const address of inside) {
        const most = mtu - (address.includes(':') ? 48 : 28)
        for (const size of [56, most]) await lab.must('red1', ...ping(address, '-M', 'do', '-s', String(size)))
      }
      for (const address of ['10.0.0.1', 'fd00:5001::1']) {
        const { code, stdout } = await peer.run(...ping(address))
        assert.equal(code, 0, stdout)
      }
    })

    test('TCP both ways, in large segments', async () => {
      using atPeer = RawSocket.open(peer.netns, peerDevice)
      using atGuest = lab.raw('red1')
      const out = () => measureTransfer({ netns: lab.netns('red1'), address: '10.0.0.1' }, peer, { seconds: 0.4 })
      const back = () => measureTransfer({ netns: peer.netns, address: inside[0]! }, lab.guest('red1'), { seconds: 0.4 })
      for (const [socket, transfer] of [
        [atPeer, out],
        [atGuest, back],
      ] as const) {
        let bytes = 0
        const longest = await longestFrame(socket, async () => ({ bytes } = await transfer()))
        assert.ok(bytes > 20e6, `only ${bytes} bytes`)
        assert.ok(longest > 9000, `the longest frame had ${longest} bytes`)
      }
    })

    test('TCP over IPv6 inside', async () => {
      const { bytes } = await measureTransfer({ netns: lab.netns('red1'), address: 'fd00:5001::1' }, peer, { seconds: 0.4 })
      assert.ok(bytes > 20e6, `only ${bytes} bytes`)
    })
  })

suite('where nobody wrote down who is who', () => {
  const mac = '02:00:00:00:00:c9'
  let lab: ScratchLab
  let peer: VxlanPeer
  before(async () => {
    lab = await ScratchLab.up(oneHost('192.0.2.0/24'))
    peer = await VxlanPeer.create(lab.plan, 'plain', {
      underlay: '192.0.2.100/24',
      vni: 5001,
      addresses: [`${inside[0]}/24`, `${inside[1]}/64`],
      mac,
      guests: [lab.guest('red1')],
      asks: true,
    })
    await using mux = await lab.vpc('h1').openMux(lab.host('h1').muxId, { write: true })
    await mux.setEntries([
      { vni: 5001, mac, vtep: peer.vtep },
      { vni: 5001, mac: zero, vtep: peer.vtep },
    ])
    await using sw = await lab.vpc('h1').openSwitch(lab.host('h1').switches[0]!.id, { write: true })
    await sw.setFloodUnknown(true)
  })
  after(async () => {
    await peer?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  test("a guest's questions are flooded to the underlay, and answered from there", async () => {
    for (const address of inside) await lab.must('red1', ...ping(address))
  })

  test("the peer's questions are answered", async () => {
    await peer.run('ip', 'neigh', 'flush', 'dev', peerDevice)
    for (const address of ['10.0.0.1', 'fd00:5001::1']) {
      const { code, stdout } = await peer.run(...ping(address))
      assert.equal(code, 0, stdout)
    }
  })
})
