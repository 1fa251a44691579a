/**
 * Floating addresses with real namespaces: guests on two hosts, the wire on one of them, a router on the wire and a
 * host beyond. Also while no vpcd runs, and while an address moves.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { readState } from '#lab/lab-state.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, run } from '#lab/program.ts'
import { beyond, Outside, wire, wireDevice } from './outside.ts'
import { ScratchLab } from './scratch-lab.ts'

const text = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers:
  red:
    router: true
    subnets: { a: { vni: 5001, network: 10.1.0.0/24, network6: 'fd01::/64' } }
guests:
  a1: { host: h1, subnet: red/a, address: 10.1.0.11, address6: 'fd01::11' }
  a2: { host: h2, subnet: red/a, address: 10.1.0.12, address6: 'fd01::12' }
  a3: { host: h1, subnet: red/a, address: 10.1.0.13, address6: 'fd01::13' }
`
const ping = ['ping', '-n', '-c', '1', '-W', '2']
const families = [4, 6] as const
type Family = (typeof families)[number]
const insideOf = (guest: string, family: Family): string => (family === 4 ? `10.1.0.1${guest[1]}` : `fd01::1${guest[1]}`)
const publicOf = (guest: string, family: Family): string => (family === 4 ? `203.0.113.1${guest[1]}` : `2001:db8:7::1${guest[1]}`)
const far = (family: Family): string => (family === 4 ? beyond.v4 : beyond.v6)
const gateway = { 4: '10.1.0.1', 6: 'fd01::1' } as const
const isp = { 4: wire.router4, 6: wire.router6 } as const

suite('floating addresses on the wire of one of two hosts', () => {
  let lab: ScratchLab
  let outside: Outside
  const natId = generateId('vpcnat')

  before(async () => {
    lab = await ScratchLab.up(text)
    outside = await Outside.of(lab, 'h1')
    for (const host of ['h1', 'h2']) await outside.layNat(host, natId, (nat) => nat.setFloats(floats))
  })
  after(async () => {
    await outside?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const guests = ['a1', 'a2', 'a3']
  const floats = guests.flatMap((guest) => families.map((family) => `${publicOf(guest, family)} to ${insideOf(guest, family)}`))

  const fromOutside = (...argv: string[]): ReturnType<Outside['run']> => outside.run(outside.host, ...argv)
  const hopsOf = (out: string): (string | undefined)[] =>
    out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/)[1])

  test('an audit of both hosts finds nothing', async () => {
    for (const host of ['h1', 'h2']) {
      await using mgmt = await lab.vpc(host).mgmt()
      assert.deepEqual((await mgmt.audit()).items, [])
    }
  })

  for (const family of families)
    for (const [guest, where] of [
      ['a1', 'on the host of the wire'],
      ['a2', 'on another host'],
    ] as const) {
      test(`ping and traceroute of a guest ${where}, both ways, over IPv${family}`, async () => {
        await lab.must(guest, ...ping, far(family))
        await outside.must(outside.host, ...ping, publicOf(guest, family))
        // A neighbour on the wire itself needs no router.
        await outside.must(outside.router, ...ping, publicOf(guest, family))
        await lab.must(guest, ...ping, isp[family])
        const trace = ['traceroute', `-${family}`, '-n', '-q', '1', '-w', '2', '-m', '6']
        for (const kind of [[], ['-I']]) {
          const out = await lab.must(guest, ...trace, ...kind, far(family))
          assert.deepEqual(hopsOf(out), [gateway[family], isp[family], far(family)], out)
          const back = await outside.must(outside.host, ...trace, ...kind, publicOf(guest, family))
          assert.deepEqual(hopsOf(back), [family === 4 ? '198.51.100.1' : '2001:db8:ffff::1', publicOf(guest, family)], back)
        }
      })

      test(`TCP of a guest ${where}, both ways, in large segments, over IPv${family}`, async () => {
        const inside = { netns: lab.netns(guest), listen: insideOf(guest, family) }
        const out = await outside.transfer(inside, { netns: outside.host, address: publicOf(guest, family) })
        const back = await outside.transfer({ netns: outside.host, listen: far(family) }, { netns: lab.netns(guest), address: far(family) })
        for (const bytes of [out, back]) assert.ok(bytes > 4e6, `${bytes} bytes`)
      })

      test(`fragments of a guest ${where}, both ways, over IPv${family}`, async () => {
        // No router fragments the answer: the other side first learns that its fragments do not fit into the overlay.
        const three = ['ping', '-n', '-c', '3', '-i', '0.05', '-W', '2', '-s', '4000']
        await lab.must(guest, ...three, far(family))
        await outside.must(outside.host, ...three, publicOf(guest, family))
        await outside.must(outside.host, 'ip', `-${family}`, 'route', 'flush', 'cache')
      })

      test(`a guest ${where} hears that a packet is too big, and so does who sends to it, over IPv${family}`, async () => {
        await outside.must(outside.router, 'ip', 'link', 'set', 'lan', 'mtu', '1400')
        const told = await lab.run(guest, ...ping, '-M', 'do', '-s', '1392', far(family))
        assert.match(told.stdout, family === 4 ? /From 203.0.113.1 .*mtu = 1400/ : /From 2001:db8:7::1 .*too big: mtu=1400/)
        await outside.must(outside.router, 'ip', 'link', 'set', 'lan', 'mtu', '1500')
        await lab.must(guest, 'ip', `-${family}`, 'route', 'flush', 'cache')
        const back = await fromOutside(...ping, '-M', 'do', '-s', '1450', publicOf(guest, family))
        const from = publicOf(guest, family).replaceAll('.', '\\.')
        assert.match(back.stdout, new RegExp(family === 4 ? `From ${from} .*mtu = 1450` : `From ${from} .*too big: mtu=1450`))
        await outside.must(outside.host, 'ip', `-${family}`, 'route', 'flush', 'cache')
      })

      test(`guests reach each other by their public addresses, also themselves: ${guest}, over IPv${family}`, async () => {
        for (const other of guests) await lab.must(guest, ...ping, publicOf(other, family))
        const inside = { netns: lab.netns('a3'), listen: insideOf('a3', family) }
        const bytes = await outside.transfer(inside, { netns: lab.netns(guest), address: publicOf('a3', family) })
        assert.ok(bytes > 1e6, `${bytes} bytes`)
      })
    }

  test('who sends to a port that nobody listens on hears it, through NAT', async () => {
    for (const [where, address] of [
      [lab.netns('a2'), beyond.v4],
      [outside.host, publicOf('a2', 4)],
    ] as const) {
      const client = `const s=require('dgram').createSocket('udp4');s.connect(9,'${address}',()=>s.send('x'));s.on('error',e=>(console.log(e.code),s.close()))`
      const { stdout } = await run(inNetns(netnsPath(where), [process.execPath, '-e', client]), { timeoutMs: 10_000 })
      assert.match(stdout, /ECONNREFUSED/)
    }
  })

  test('an address that comes is announced on the wire, where nobody has asked', async () => {
    const [v4, v6] = ['203.0.113.50', '2001:db8:7::50']
    await outside.must(outside.router, 'sysctl', '-qw', 'net.ipv4.conf.wire.arp_accept=1', 'net.ipv6.conf.wire.accept_untracked_na=1')
    await using nat = await lab.vpc('h1').openNat(natId, { write: true })
    const others = floats.filter((float) => !float.startsWith(publicOf('a3', 4)) && !float.startsWith(publicOf('a3', 6)))
    await nat.setFloats([...others, `${v4} to ${insideOf('a3', 4)}`, `${v6} to ${insideOf('a3', 6)}`])
    for (const address of [v4, v6]) {
      const known = async (): Promise<string> => outside.must(outside.router, 'ip', 'neighbour', 'show', address)
      const end = Date.now() + 10_000
      while (!(await known()).includes('lladdr')) assert.ok(Date.now() < end, `${address} is not announced`)
    }
    await nat.setFloats(floats)
  })

  test('an address moves to another guest under traffic: nothing is lost, and the wire hears of it', async () => {
    const address = publicOf('a1', 4)
    const running = fromOutside('ping', '-n', '-c', '60', '-i', '0.02', '-W', '2', address)
    const got = async (): Promise<number> => {
      const snmp = await lab.must('a3', 'cat', '/proc/net/snmp')
      const [names, values] = snmp.split('\n').filter((line) => line.startsWith('Icmp:'))
      return Number(values!.split(' ')[names!.split(' ').indexOf('InEchos')])
    }
    const before = await got()
    for (const host of ['h1', 'h2']) {
      await using nat = await lab.vpc(host).openNat(natId, { write: true })
      await nat.deleteFloats([`${publicOf('a3', 4)} to ${insideOf('a3', 4)}`])
      await nat.addFloats([`${address} to ${insideOf('a3', 4)}`])
    }
    const { stdout } = await running
    assert.match(stdout, / 0% packet loss/)
    assert.ok((await got()) > before, 'a3 has got none')
  })

  test('without any vpcd packets pass, and the wire is answered: none is lost', async () => {
    const { daemons } = (await readState(lab.name))!
    const running = families.map((family) => fromOutside('ping', '-n', '-c', '60', '-i', '0.02', '-W', '2', publicOf('a2', family)))
    for (const mark of Object.values(daemons)) process.kill(mark.pid, 'SIGKILL')
    assert.deepEqual(await endProcesses(Object.values(daemons), 5000), [])
    for (const { stdout } of await Promise.all(running)) assert.match(stdout, / 0% packet loss/)
    await outside.must(outside.router, 'ip', 'neighbour', 'flush', 'all')
    await lab.must('h1', 'ip', 'neighbour', 'flush', 'dev', wireDevice)
    for (const family of families) {
      await outside.must(outside.host, ...ping, publicOf('a2', family))
      await lab.must('a2', ...ping, far(family))
    }
  })
})
