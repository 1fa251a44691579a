/**
 * Limits under real traffic: a TCP stream between two hosts reaches the rate of its port. With ECN it gets marks,
 * without ECN it loses packets.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { dstFlag, fullLimitBuckets, portFlag } from '#datapath/layout.ts'
import { Fabric, type Guest, type Host } from './fabric.ts'
import { capture } from './traffic.ts'

const red = 5001
const rate = 4_000_000
const run = promisify(execFile)

/** What a receiver gets of a TCP stream of one second, in bytes a second. */
async function stream(from: Guest, to: Guest): Promise<number> {
  const server = run('nsenter', to.space.argv('iperf3', '-s', '-1', '--forceflush'))
  const listening = (): boolean => to.space.exec('ss', '-Hltn', 'sport = :5201').includes('5201')
  const deadline = Date.now() + 10_000
  while (!listening()) assert.ok(Date.now() < deadline, 'iperf3 does not listen')
  const address = '10.0.0.3'
  const { stdout } = await run('nsenter', from.space.argv('iperf3', '-c', address, '-t', '1', '--json', '--connect-timeout', '3000'))
  await server
  return JSON.parse(stdout).end.sum_received.bits_per_second / 8
}

describe('a TCP stream', () => {
  let fabric: Fabric
  let alice: Guest
  let carol: Guest
  before(() => {
    fabric = new Fabric()
    for (const host of [fabric.a, fabric.b]) {
      host.segment(red)
      host.shortcut()
    }
    alice = fabric.a.guest({ mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1'] })
    carol = fabric.b.guest({ mac: '02:00:00:00:00:03', segment: red, addresses: ['10.0.0.3'] })
    fabric.a.meet(fabric.b)
    fabric.b.meet(fabric.a)
  })
  after(() => fabric[Symbol.dispose]())

  const ecn = (on: boolean): void => {
    for (const { space } of [alice, carol]) space.exec('sysctl', '-qw', `net.ipv4.tcp_ecn=${on ? 1 : 0}`)
  }
  /** Limit a guest one way or the other. */
  function limit(host: Host, { dst, mac }: Guest, limits: { bytesOut?: number; bytesIn?: number }): void {
    const { bytesOut = 0, bytesIn = 0 } = limits
    const { tables } = host
    tables.portLimits.set(
      { stats: dst.stats },
      { bytesOut: BigInt(bytesOut), bytesIn: BigInt(bytesIn), packetsOut: 0, packetsIn: 0, neighbourQuestions: 100, dhcpQuestions: 100 },
    )
    tables.limitBuckets.set(dst.stats, fullLimitBuckets)
    const port = tables.ports.get(dst.ifindex)!
    tables.ports.set(dst.ifindex, { ...port, flags: (port.flags & ~portFlag.limited) | (bytesOut > 0 ? portFlag.limited : 0) })
    tables.fdb.set({ segment: red, mac }, { ...dst, flags: dst.flags | (bytesIn > 0 ? dstFlag.limited : 0) })
  }
  const inBounds = (got: number): void => assert.ok(got > rate * 0.1 && got < rate * 1.4, `${got} of ${rate} bytes a second`)

  for (const way of ['out', 'in'] as const)
    test(`limited by the ${way === 'out' ? "sender's" : "receiver's"} port`, async () => {
      limit(fabric.a, alice, way === 'out' ? { bytesOut: rate } : {})
      limit(fabric.b, carol, way === 'in' ? { bytesIn: rate } : {})
      const drops = (): number => (way === 'out' ? fabric.a.tables.drops.read(10) : fabric.b.tables.drops.read(1)).rate_limit ?? 0
      const marksOf = async (on: boolean): Promise<[marks: number, drops: number]> => {
        ecn(on)
        const before = drops()
        const seen = await capture(carol.space, 'eth0', 'tcp dst port 5201 and ip[1] & 3 == 3')
        inBounds(await stream(alice, carol))
        return [(await seen.stop()).split('\n').filter((line) => /tos 0x3,CE/.test(line)).length, drops() - before]
      }
      const [marks] = await marksOf(true)
      const [noMarks, many] = await marksOf(false)
      assert.ok(marks > 0, 'congestion is marked')
      assert.equal(noMarks, 0, 'and not where nobody listens')
      assert.ok(many > 0, 'it loses packets instead')
    })
})
