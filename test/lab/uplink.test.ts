/**
 * An ethlink as uplink: a guest on the wire of a host, unencapsulated, with and without a tag; the host keeps what is
 * its own.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { echoFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { marker } from './attempt.ts'
import { ScratchLab } from './scratch-lab.ts'

const withUplink = (vtag: number): string => `
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {}, h2: {} }
customers:
  red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } }
  blue: { subnets: { a: { vni: 6001, network: 10.0.0.0/24 } } }
guests:
  a: { host: h1, subnet: red/a, address: 10.0.0.1 }
  b: { host: h2, subnet: red/a, address: 10.0.0.2 }
  blue1: { host: h1, subnet: blue/a, address: 10.0.0.1 }
links:
  office:
    host: h1
    uplink: red/a
    vtag: ${vtag}
    address: [10.0.0.100/24, 198.51.100.2/24]
    host-address: 198.51.100.1/24
`
const ping = ['ping', '-n', '-c', '1', '-W', '2']
const wireAddress = ipFrom('10.0.0.100')
const guestAddress = ipFrom('10.0.0.1')

suite('an uplink without a tag', () => {
  let lab: ScratchLab
  before(async () => {
    lab = await ScratchLab.up(withUplink(0))
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  test('a guest and a machine on the wire reach each other', async () => {
    await lab.must('a', ...ping, '10.0.0.100')
    await lab.must('office', 'ip', 'neigh', 'flush', 'dev', 'eth0')
    await lab.must('office', ...ping, '10.0.0.1')
  })

  test("it was the guest's own frame on the wire, as it left it", async () => {
    const bytes = marker('on the wire')
    using wire = lab.raw('office')
    const frame = echoFrame(
      { srcMac: asMac(lab.guest('a').mac), dstMac: asMac(lab.plan.wires[0]!.mac), src: guestAddress, dst: wireAddress },
      bytes,
    )
    using guest = lab.raw('a')
    guest.send(frame)
    const seen = await wire.waitFor((candidate) => Buffer.from(candidate).includes(bytes))
    assert.deepEqual(seen && Buffer.from(seen.subarray(0, frame.length)), Buffer.from(frame))
  })

  test('the host keeps its own connectivity on that interface', async () => {
    await lab.must('h1', ...ping, '198.51.100.2')
    await lab.must('office', ...ping, '198.51.100.1')
  })

  test('another customer does not get there', async () => {
    assert.notEqual((await lab.run('blue1', ...ping, '10.0.0.100')).code, 0)
  })

  test('and the rest of the subnet is where it was', async () => {
    await lab.must('a', ...ping, '10.0.0.2')
    await lab.must('b', ...ping, '10.0.0.1')
  })
})

suite('an uplink with tag 12', () => {
  let lab: ScratchLab
  let guestMac: Mac
  let wireMac: Mac
  before(async () => {
    lab = await ScratchLab.up(withUplink(12))
    guestMac = asMac(lab.guest('a').mac)
    wireMac = asMac(lab.plan.wires[0]!.mac)
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  test("a guest's frames carry the tag on the wire", async () => {
    const bytes = marker('tagged on the wire')
    using wire = lab.raw('office')
    using guest = lab.raw('a')
    const path = { srcMac: guestMac, dstMac: wireMac, src: guestAddress, dst: wireAddress }
    guest.send(echoFrame(path, bytes))
    const seen = await wire.waitFor((frame) => Buffer.from(frame).includes(bytes))
    const tagged = echoFrame({ ...path, vlan: 12 }, bytes)
    assert.deepEqual(seen && Buffer.from(seen.subarray(0, tagged.length)), Buffer.from(tagged))
  })

  test('a frame with the tag comes in, without it; the guest answers with the tag', async () => {
    const bytes = marker('tagged from the wire')
    using wire = lab.raw('office')
    const path = { srcMac: wireMac, dstMac: guestMac, src: wireAddress, dst: guestAddress, vlan: 12 }
    wire.send(echoFrame(path, bytes))
    const answer = await wire.waitFor((frame) => Buffer.from(frame).includes(bytes))
    const expected = echoFrame({ srcMac: guestMac, dstMac: wireMac, src: guestAddress, dst: wireAddress, vlan: 12, reply: true }, bytes)
    assert.ok(answer, 'no answer')
    // The answer has an identification and TTL of the guest's own: the head up to the tag, and the payload, are what
    // counts.
    assert.deepEqual(Buffer.from(answer.subarray(0, 18)), Buffer.from(expected.subarray(0, 18)))
  })

  test('frames with another tag or none do not come in', async () => {
    const bytes = marker('wrong tag')
    using wire = lab.raw('office')
    using guest = lab.raw('a')
    const path = { srcMac: wireMac, dstMac: guestMac, src: wireAddress, dst: guestAddress }
    for (const vlan of [undefined, 13, 4094]) wire.send(echoFrame({ ...path, ...(vlan !== undefined && { vlan }) }, bytes))
    assert.equal(await guest.waitFor((frame) => Buffer.from(frame).includes(bytes), 200), undefined)
  })

  test('a frame with the tag for somebody who is not here goes to nobody', async () => {
    const bytes = marker('for a stranger')
    using wire = lab.raw('office')
    using guest = lab.raw('a')
    wire.send(echoFrame({ srcMac: wireMac, dstMac: macFrom('02:bb:ad:ca:fe:02'), src: wireAddress, dst: guestAddress, vlan: 12 }, bytes))
    assert.equal(await guest.waitFor((frame) => Buffer.from(frame).includes(bytes), 200), undefined)
  })

  test('the host keeps its own connectivity, untagged, on that interface', async () => {
    await lab.must('h1', ...ping, '198.51.100.2')
    await lab.must('office', ...ping, '198.51.100.1')
  })
})
