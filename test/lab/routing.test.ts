/**
 * Two subnets on two hosts, joined by a router: ping, TCP, UDP, traceroute and path MTU discovery across them, a router
 * of the customer's own, routes that change under traffic, and a gateway that answers while no vpcd runs.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { endProcesses } from '#lab/end-processes.ts'
import type { Id } from '#abi/id.ts'
import { readState } from '#lab/lab-state.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, run } from '#lab/program.ts'
import { measureTransfer } from '#lab/transfer.ts'
import { ScratchLab } from './scratch-lab.ts'

const text = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers:
  red:
    router: true
    subnets:
      a: { vni: 5001, network: 10.1.0.0/24, network6: 'fd01::/64' }
      b: { vni: 5002, network: 10.2.0.0/24, network6: 'fd02::/64' }
  green:
    router: true
    subnets: { c: { vni: 5003, network: 10.3.0.0/24, network6: 'fd03::/64' } }
guests:
  a1: { host: h1, subnet: red/a, address: 10.1.0.11, address6: 'fd01::11' }
  a2: { host: h2, subnet: red/a, address: 10.1.0.12, address6: 'fd01::12' }
  b1: { host: h1, subnet: red/b, address: 10.2.0.11, address6: 'fd02::11' }
  b2: { host: h2, subnet: red/b, address: 10.2.0.12, address6: 'fd02::12' }
  c1: { host: h1, subnet: green/c, address: 10.3.0.11, address6: 'fd03::11' }
  c2: { host: h2, subnet: green/c, address: 10.3.0.12, address6: 'fd03::12' }
`
const gateways = { a: ['10.1.0.1', 'fd01::1'], b: ['10.2.0.1', 'fd02::1'] } as const
const ping = ['ping', '-n', '-c', '1', '-W', '2']

suite('two subnets and a router on two hosts', () => {
  let lab: ScratchLab

  before(async () => {
    lab = await ScratchLab.up(text)
  })
  after(async () => {
    await run(['ip', 'netns', 'del', lab.netns('behind')])
    await lab?.[Symbol.asyncDispose]()
  })

  const addressOf = (guest: string, family: 4 | 6): string => {
    const [subnet, host] = ['abc'.indexOf(guest[0]!) + 1, `1${guest[1]}`]
    return family === 4 ? `10.${subnet}.0.${host}` : `fd0${subnet}::${host}`
  }
  const onEach = async (act: (host: string) => Promise<void>): Promise<void> => void (await Promise.all(['h1', 'h2'].map(act)))
  const routerId = (customer: 'red' | 'green'): Id => lab.host('h1').switches.find((sw) => sw.customer === customer)!.routerId!
  const setRoutesOf = (customer: 'red' | 'green', ...routes: string[]): Promise<void> =>
    onEach(async (host) => {
      await using router = await lab.vpc(host).openRouter(routerId(customer), { write: true })
      await router.setRoutes(routes)
    })
  const setRoutes = (...routes: string[]): Promise<void> => setRoutesOf('red', ...routes)

  test('everybody reaches everybody, over both families', async () => {
    for (const family of [4, 6] as const) await lab.assertReachability({ family })
  })

  test('an audit finds nothing, though units of the host are among its neighbours as well', () =>
    onEach(async (host) => {
      await using mgmt = await lab.vpc(host).mgmt()
      assert.deepEqual((await mgmt.audit()).items, [])
    }))

  test('a routed packet has a hop less, and comes by the VNI of its destination', async () => {
    const { stdout } = await lab.run('a1', 'ping', '-n', '-c', '1', '-t', '5', '-W', '2', addressOf('b2', 4))
    assert.match(stdout, /ttl=63/)
  })

  for (const family of [4, 6] as const) {
    test(`traceroute shows the gateway, then the guest, over IPv${family}`, async () => {
      for (const args of [[], ['-I']]) {
        const out = await lab.must(
          'a1',
          'traceroute',
          `-${family}`,
          '-n',
          '-q',
          '1',
          '-w',
          '2',
          '-m',
          '5',
          ...args,
          addressOf('b2', family),
        )
        const hops = out
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => line.trim().split(/\s+/)[1])
        assert.deepEqual(hops, [gateways.a[family === 4 ? 0 : 1], addressOf('b2', family)], out)
      }
    })

    test(`TCP passes, in large segments, over IPv${family}`, async () => {
      const to = lab.guest('b2')
      const { bytes } = await measureTransfer({ netns: lab.netns('a1'), address: addressOf('a1', family) }, to, { seconds: 0.4 })
      assert.ok(bytes > 8e6, `${bytes} bytes`)
    })

    test(`what is too long for the way hears it from the gateway, over IPv${family}`, async () => {
      await lab.must('a1', 'ip', 'link', 'set', 'eth0', 'mtu', '9000')
      const { stdout } = await lab.run('a1', ...ping, '-M', 'do', '-s', '2000', addressOf('b2', family))
      assert.match(
        stdout,
        family === 4 ? /From 10.1.0.1 .*Frag needed and DF set \(mtu = 1450\)/ : /From fd01::1 .*Packet too big: mtu=1450/,
      )
      await lab.must('a1', 'ip', `-${family}`, 'route', 'flush', 'cache')
      await lab.must('a1', 'ip', 'link', 'set', 'eth0', 'mtu', '1450')
    })

    test(`nobody, and no route: the gateway says so, over IPv${family}`, async () => {
      const nobody = await lab.run('a1', ...ping, family === 4 ? '10.2.0.99' : 'fd02::99')
      assert.match(nobody.stdout, family === 4 ? /From 10.1.0.1 .*Destination Host Unreachable/ : /From fd01::1 .*Address unreachable/)
      const away = await lab.run('a1', ...ping, family === 4 ? '198.51.100.1' : '2001:db8:9::1')
      assert.match(
        away.stdout,
        family === 4 ? /From 10.1.0.1 .*Destination Net Unreachable/ : /From fd01::1 .*(No route|Destination unreachable)/,
      )
    })
  }

  test('a guest that forwards is a way to what is behind it, and back', async () => {
    await lab.must('b2', 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    const behind = lab.netns('behind')
    const inside = async (...argv: string[]): Promise<void> => {
      const { code, stderr } = await run(inNetns(netnsPath(behind), argv), { timeoutMs: 20_000 })
      assert.equal(code, 0, stderr)
    }
    await run(['ip', 'netns', 'add', behind])
    await run(['ip', 'link', 'add', 'inside', 'netns', lab.netns('b2'), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', behind])
    for (const [address, gateway] of [
      ['10.9.0.1/16', '10.9.0.254'],
      ['fd09::1/64', 'fd09::fe'],
    ] as const) {
      const nodad = address.includes(':') ? ['nodad'] : []
      await lab.must('b2', 'ip', 'link', 'set', 'inside', 'up')
      await lab.must('b2', 'ip', 'address', 'add', `${gateway}/${address.split('/')[1]}`, 'dev', 'inside', ...nodad)
      await inside('ip', 'link', 'set', 'eth0', 'up')
      await inside('ip', 'address', 'add', address, 'dev', 'eth0', ...nodad)
      await inside('ip', 'route', 'add', 'default', 'via', gateway)
    }
    const refused = await lab.run('a1', ...ping, '10.9.0.1')
    assert.equal(refused.code, 1)
    await setRoutes(`10.9.0.0/16 via ${addressOf('b2', 4)}`, `fd09::/64 via ${addressOf('b2', 6)}`)
    // Its port still checks senders, so the answers are dropped.
    assert.equal((await lab.run('a1', ...ping, '10.9.0.1')).code, 1)
    await using mgmt = await lab.vpc('h2').mgmt()
    const port = (await mgmt.describeAll('vpcp')).find((info) => info.type === 'vpcp' && info.addresses.includes(addressOf('b2', 4)))!
    {
      await using opened = await lab.vpc('h2').openPort(port.id, { write: true })
      await opened.setAntispoof(false)
    }
    for (const guest of ['a1', 'b1', 'a2']) {
      await lab.must(guest, ...ping, '10.9.0.1')
      await lab.must(guest, ...ping, 'fd09::1')
    }
  })

  test('a route changes under traffic: from the next packet on, and back', async () => {
    const reaches = async (): Promise<boolean> => (await lab.run('a1', ...ping, '-W', '1', '10.9.0.1')).code === 0
    assert.ok(await reaches())
    await setRoutes('10.9.0.0/16 blackhole')
    const silent = await lab.run('a1', ...ping, '-W', '1', '10.9.0.1')
    assert.match(silent.stdout, /100% packet loss/)
    assert.doesNotMatch(silent.stdout, /Unreachable/)
    await setRoutes('10.9.0.0/16 blackhole', `10.9.0.0/24 via ${addressOf('b2', 4)}`)
    assert.ok(await reaches())
  })

  test('packets go by a guest that forwards, and answers come straight back: TCP does not mind', async () => {
    const way = (family: 4 | 6): string => `${addressOf('b1', family)}/${family === 4 ? 32 : 128} via ${addressOf('b2', family)}`
    await setRoutes(way(4), way(6))
    for (const [family, gateway] of [
      [4, gateways.a[0]],
      [6, gateways.a[1]],
    ] as const) {
      const route = await lab.must('a1', 'traceroute', `-${family}`, '-n', '-q', '1', '-w', '2', '-m', '5', addressOf('b1', family))
      const hops = route.match(/^ *\d+ +(\S+)/gm)!.map((line) => line.trim().split(/ +/)[1])
      assert.deepEqual(hops, [gateway, addressOf('b2', family), addressOf('b1', family)], route)
      assert.match((await lab.run('b1', ...ping, addressOf('a1', family))).stdout, / 0% packet loss/)
      const { bytes } = await measureTransfer({ netns: lab.netns('a1'), address: addressOf('a1', family) }, lab.guest('b1'), {
        seconds: 0.4,
      })
      assert.ok(bytes > 1e6, `${bytes} bytes`)
    }
    await setRoutes()
  })

  test('peers reach each other across hosts when both have routes, and no further', async () => {
    const reaches = async (from: string, to: string): Promise<boolean> =>
      (await Promise.all(([4, 6] as const).map((family) => lab.run(from, ...ping, addressOf(to, family))))).every(({ code }) => code === 0)
    const peer = (customer: 'red' | 'green', ...subnets: number[]): string[] =>
      subnets.flatMap((subnet) => [`10.${subnet}.0.0/24 peer ${routerId(customer)}`, `fd0${subnet}::/64 peer ${routerId(customer)}`])
    assert.equal(await reaches('a1', 'c2'), false)
    await setRoutes(...peer('green', 3), `10.9.0.0/16 via ${addressOf('b2', 4)}`)
    assert.equal(await reaches('a1', 'c2'), false)
    await setRoutesOf('green', ...peer('red', 1), `10.9.0.0/16 peer ${routerId('red')}`)
    for (const [from, to] of [
      ['a1', 'c2'],
      ['c1', 'a2'],
      ['a1', 'c1'],
    ] as const)
      assert.ok(await reaches(from, to), `${from} ${to}`)
    // Green has no route to red's other subnet, and red's routes are not for green.
    assert.equal(await reaches('c1', 'b2'), false)
    assert.equal((await lab.run('c1', ...ping, '10.9.0.1')).code, 1)
  })

  test('a narrower way between the hosts is told, and TCP gets through', async () => {
    for (const [host, other] of [
      ['h1', '192.0.2.2'],
      ['h2', '192.0.2.1'],
    ] as const)
      await lab.must(host, 'ip', 'route', 'add', `${other}/32`, 'dev', 'underlay0', 'mtu', '1400')
    for (const family of [4, 6] as const) {
      // The first answer is the gateway's ICMP error; the guest's kernel remembers it.
      const end = Date.now() + 10_000
      for (
        let out = '';
        !/mtu ?[:=] ?1350/.test(out);
        out += Object.values(await lab.run('a1', ...ping, '-M', 'do', '-s', '1400', addressOf('b2', family))).join(' ')
      )
        assert.ok(Date.now() < end, out.slice(-600))
      const { bytes } = await measureTransfer({ netns: lab.netns('a1'), address: addressOf('a1', family) }, lab.guest('b2'), {
        seconds: 0.4,
      })
      assert.ok(bytes > 1e6, `${bytes} bytes`)
    }
  })

  test('without a vpcd packets are routed, and the gateway answers', async () => {
    const { daemons } = (await readState(lab.name))!
    for (const mark of Object.values(daemons)) process.kill(mark.pid, 'SIGKILL')
    assert.deepEqual(await endProcesses(Object.values(daemons), 5000), [])
    await lab.must('a1', 'ip', 'neighbour', 'flush', 'all')
    for (const gateway of gateways.a) await lab.must('a1', ...ping, gateway)
    for (const family of [4, 6] as const) await lab.must('a1', ...ping, addressOf('b2', family))
    const { stdout } = await lab.run('a1', 'ip', 'neighbour', 'show', 'to', '10.1.0.1')
    assert.match(stdout, /lladdr 02:76:70:63:00:01/)
  })
})
