/**
 * Congestion marks through the tunnel, RFC 6040: the same by the vxlan device and by the direct ways, over IPv4 and
 * IPv6.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { patch, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { asMac } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { RawSocket } from '../lab/raw-socket.ts'
import { Fabric, type Guest, type Host } from './fabric.ts'

const red = 5001
const fields = { 'Not-ECT': 0, 'ECT(1)': 1, 'ECT(0)': 2, CE: 3 } as const
type Ecn = keyof typeof fields
const names = Object.keys(fields) as Ecn[]

/** RFC 6040, figure 4: what an egress makes of the inner field, by the outer one. */
const egress: Record<Ecn, Record<Ecn, Ecn | 'dropped'>> = {
  'Not-ECT': { 'Not-ECT': 'Not-ECT', 'ECT(0)': 'ECT(0)', 'ECT(1)': 'ECT(1)', CE: 'CE' },
  'ECT(0)': { 'Not-ECT': 'Not-ECT', 'ECT(0)': 'ECT(0)', 'ECT(1)': 'ECT(1)', CE: 'CE' },
  'ECT(1)': { 'Not-ECT': 'Not-ECT', 'ECT(0)': 'ECT(1)', 'ECT(1)': 'ECT(1)', CE: 'CE' },
  CE: { 'Not-ECT': 'dropped', 'ECT(0)': 'CE', 'ECT(1)': 'CE', CE: 'CE' },
}

const underlays = { IPv4: ['192.0.2.1', '192.0.2.2'], IPv6: ['2001:db8::1', '2001:db8::2'] } as const
const wireMac = (host: Host): ReturnType<typeof asMac> => asMac(host.space.netlink.linkByName('wire')!.mac)
const isIpv4 = (frame: Uint8Array, at: number): boolean => frame[at - 2] === 8 && frame[at - 1] === 0
/** The field of the IP header at an offset of a frame. */
const ecnAt = (frame: Uint8Array, at: number): Ecn =>
  names.find((name) => fields[name] === ((isIpv4(frame, at) ? frame[at + 1]! : frame[at + 1]! >> 4) & 3))!
const DSCP = 0x88

for (const underlay of ['IPv4', 'IPv6'] as const)
  for (const direct of [false, true])
    describe(`over ${underlay}, ${direct ? 'by the direct ways, where they are taken' : 'by the device'}`, () => {
      let fabric: Fabric
      let alice: Guest
      let carol: Guest
      before(() => {
        fabric = new Fabric({ addresses: [...underlays[underlay]] })
        for (const host of [fabric.a, fabric.b]) {
          host.segment(red)
          host.shortcut('wire', { direct })
        }
        alice = fabric.a.guest({ mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1', 'fd00::1'] })
        carol = fabric.b.guest({ mac: '02:00:00:00:00:03', segment: red, addresses: ['10.0.0.3', 'fd00::3'] })
        fabric.a.meet(fabric.b)
        fabric.b.meet(fabric.a)
      })
      after(() => fabric[Symbol.dispose]())
      /** A packet of alice's for carol, IPv4 or IPv6. */
      const inner = (ecn: Ecn, family: 4 | 6, id: number): Uint8Array => {
        const [src, dst] = [alice, carol].map(({ addresses }) => addresses[family === 4 ? 0 : 1]!) as [Ip, Ip]
        return udpFrame(
          { srcMac: alice.mac, dstMac: carol.mac, src, dst, srcPort: 1000, dstPort: id, tos: DSCP | fields[ecn] },
          new Uint8Array(20),
        )
      }
      const isFor =
        (id: number, at: number) =>
        (frame: Uint8Array): boolean => {
          const udp = at + (isIpv4(frame, at) ? 20 : 40)
          return frame.length > udp + 4 && frame[udp + 2] === id >> 8 && frame[udp + 3] === (id & 255)
        }
      const headers = underlay === 'IPv4' ? 64 : 84

      test('an ingress copies the field', async () => {
        using sender = RawSocket.open(alice.space.name, 'eth0')
        using wire = RawSocket.open(fabric.b.space.name, 'wire')
        let id = 2000
        // Each twice: the first shows the direct way to the second.
        for (const family of [4, 6] as const)
          for (const ecn of [...names, ...names]) {
            sender.send(inner(ecn, family, ++id))
            const frame = await wire.waitFor(isFor(id, headers))
            assert.ok(frame, `${ecn} in IPv${family}`)
            assert.deepEqual([ecnAt(frame, 14), ecnAt(frame, headers)], [ecn, ecn], `outer and inner field of ${ecn} in IPv${family}`)
            assert.equal(isIpv4(frame, 14) && headerSum(frame.subarray(14, 34)), underlay === 'IPv4' ? 0xffff : false)
          }
      })

      test('an egress combines outer and inner', async () => {
        using onWire = RawSocket.open(fabric.a.space.name, 'wire')
        using seen = RawSocket.open(carol.space.name, 'eth0')
        const link = { srcMac: wireMac(fabric.a), dstMac: wireMac(fabric.b) }
        const [src, dst] = underlays[underlay].map(ipFrom) as [Ip, Ip]
        let id = 3000
        const before = throughDevice(fabric.b)
        const send = (outer: Ecn, ecn: Ecn, family: 4 | 6): void => {
          const frame = vxlanFrame({ ...link, src, dst, vni: vniFrom(red), tos: fields[outer] }, inner(ecn, family, ++id))
          onWire.send(underlay === 'IPv4' ? patch(frame, 40, 0, 0) : frame)
        }
        for (const family of [4, 6] as const)
          for (const outer of names)
            for (const ecn of names) {
              send(outer, ecn, family)
              const wanted = egress[outer][ecn]
              const found = await seen.waitFor(isFor(id, 14), wanted === 'dropped' ? 100 : 2000)
              assert.equal(found ? ecnAt(found, 14) : 'dropped', wanted, `outer ${outer}, inner ${ecn}, IPv${family}`)
              if (found && family === 4) assert.equal(headerSum(found.subarray(14, 34)), 0xffff)
              if (found) assert.equal((family === 4 ? found[15]! : ((found[14]! << 4) | (found[15]! >> 4)) & 0xff) & 0xfc, DSCP, 'DSCP')
            }
        // Outer CE, ECT(1) over ECT(0), and what shows that the host's stack lets this VTEP's packets through.
        const most = direct && underlay === 'IPv4' ? 14 : 32
        assert.ok(throughDevice(fabric.b) - before <= most, `${throughDevice(fabric.b) - before} of 32 by the device`)
      })
    })

/** Packets that the mux's device has received. */
const throughDevice = ({ space }: Host): number =>
  Number(JSON.parse(space.exec('ip', '-s', '-j', 'link', 'show', 'vpcmux0'))[0].stats64.rx.packets)

/** Sum of an IPv4 header: 0xffff when its checksum is right. */
function headerSum(header: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < header.length; i += 2) sum += (header[i]! << 8) | header[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
