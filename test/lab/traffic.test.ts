/**
 * Honest traffic of a lab: pings of both families, TCP with large segments, frames that are too big, a jumbo underlay.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { measureTransfer, type Transfer } from '#lab/transfer.ts'
import { longestFrame } from './large-frames.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

/** TCP from red1, by the address of its that is named, to red2. */
const transfer = (lab: ScratchLab, address: string): Promise<Transfer> =>
  measureTransfer({ netns: lab.netns('red1'), address }, lab.guest('red2'), { seconds: 0.4 })

const ping = ['ping', '-n', '-c', '1', '-W', '2']

suite('on an underlay of 1500', () => {
  let lab: ScratchLab
  before(async () => {
    lab = await ScratchLab.up(twoCustomers)
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  for (const family of [4, 6] as const)
    test(`who shares a subnet reaches each other over IPv${family}, on one host and across; nobody else does`, () =>
      lab.assertReachability({ family }))

  test('guests have the MTU that the underlay leaves', async () => {
    const [link] = JSON.parse(await lab.must('red1', 'ip', '-j', 'link', 'show', 'eth0'))
    assert.equal(link.mtu, 1450)
    await lab.must('red1', ...ping, '-M', 'do', '-s', '1422', '10.0.0.2')
    await lab.must('red1', ...ping, '-M', 'do', '-s', '1402', 'fd00:5001::2')
  })

  test('TCP moves data across hosts, and its large segments pass whole', async () => {
    using arrival = lab.raw('red2')
    using wire = lab.raw('h1', 'underlay0', { outgoing: true })
    let bytes = 0
    const [atGuest, onWire] = await Promise.all([
      longestFrame(arrival, async () => ({ bytes } = await transfer(lab, '10.0.0.1'))),
      longestFrame(wire, async () => new Promise((resolve) => setTimeout(resolve, 900))),
    ])
    assert.ok(bytes > 20e6, `only ${bytes} bytes`)
    assert.ok(onWire > 9000, `the longest on the underlay had ${onWire} bytes`)
    assert.ok(atGuest > 9000, `the longest at the guest had ${atGuest} bytes`)
  })

  test('TCP over IPv6 as well', async () => {
    const { bytes } = await transfer(lab, 'fd00:5001::1')
    assert.ok(bytes > 20e6, `only ${bytes} bytes`)
  })

  suite('a guest that thinks its MTU is 9000', () => {
    const setMtu = async (mtu: number): Promise<void> => {
      for (const guest of ['red1', 'red2']) await lab.must(guest, 'ip', 'link', 'set', 'dev', 'eth0', 'mtu', String(mtu))
    }
    before(() => setMtu(9000))
    after(() => setMtu(1450))

    test('is told by ICMP what fits', async () => {
      const { code, stdout } = await lab.run('red1', ...ping, '-M', 'do', '-s', '2000', '10.0.0.2')
      assert.equal(code, 1)
      assert.match(stdout, /Frag needed and DF set \(mtu = 1450\)/)
      await lab.must('red1', 'ip', 'route', 'flush', 'cache')
    })

    test('is told by ICMPv6 what fits', async () => {
      const { code, stdout } = await lab.run('red1', ...ping, '-M', 'do', '-s', '2000', 'fd00:5001::2')
      assert.equal(code, 1)
      assert.match(stdout, /Packet too big: mtu=1450/)
      assert.ok((await lab.portStats('red1')).tooBig >= 2)
      await lab.must('red1', 'ip', '-6', 'route', 'flush', 'cache')
    })

    test('gets its TCP through all the same', async () => {
      for (const address of ['10.0.0.1', 'fd00:5001::1']) {
        const { bytes } = await transfer(lab, address)
        assert.ok(bytes > 8e6, `only ${bytes} bytes from ${address}`)
      }
    })
  })

  test('what is fragmented arrives whole', async () => {
    await lab.must('red1', ...ping, '-s', '4000', '10.0.0.2')
    await lab.must('red1', ...ping, '-s', '4000', 'fd00:5001::2')
  })
})

suite('on a jumbo underlay', () => {
  let lab: ScratchLab
  before(async () => {
    lab = await ScratchLab.up(twoCustomers.replace('mtu: 1500', 'mtu: 9000'))
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  test('guests have a jumbo MTU, and use it', async () => {
    const [link] = JSON.parse(await lab.must('red1', 'ip', '-j', 'link', 'show', 'eth0'))
    assert.equal(link.mtu, 8950)
    await lab.must('red1', ...ping, '-M', 'do', '-s', '8922', '10.0.0.2')
    await lab.must('red1', ...ping, '-M', 'do', '-s', '8902', 'fd00:5001::2')
    const { code } = await lab.run('red1', ...ping, '-M', 'do', '-s', '8923', '10.0.0.2')
    assert.notEqual(code, 0)
  })

  test('TCP moves data', async () => {
    const { bytes } = await transfer(lab, '10.0.0.1')
    assert.ok(bytes > 20e6, `only ${bytes} bytes`)
  })
})

suite('on an IPv6 underlay', () => {
  let lab: ScratchLab
  before(async () => {
    lab = await ScratchLab.up(twoCustomers.replace('192.0.2.0/24', "'2001:db8::/64'"))
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  test('guests reach each other as they should, over both families', async () => {
    for (const family of [4, 6] as const) await lab.assertReachability({ family })
  })

  test('the overhead is 70, and TCP moves data in large segments', async () => {
    const [link] = JSON.parse(await lab.must('red1', 'ip', '-j', 'link', 'show', 'eth0'))
    assert.equal(link.mtu, 1430)
    await lab.must('red1', ...ping, '-M', 'do', '-s', '1402', '10.0.0.2')
    using arrival = lab.raw('red2')
    const longest = await longestFrame(arrival, async () => {
      const { bytes } = await transfer(lab, '10.0.0.1')
      assert.ok(bytes > 20e6, `only ${bytes} bytes`)
    })
    assert.ok(longest > 9000, `the longest at the guest had ${longest} bytes`)
  })
})
