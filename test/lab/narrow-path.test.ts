/**
 * A narrower link on the way between two hosts, behind a router: guests learn the MTU, and TCP gets through, as with
 * the kernel's own vxlan device in a bridge. The same for a route with an MTU.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { measureTransfer } from '#lab/transfer.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, run } from '#lab/program.ts'
import { ScratchLab } from './scratch-lab.ts'

const labOf = (network: string): string => `
underlay: { network: '${network}', mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' } } } }
guests:
  red1: { host: h1, subnet: red/a, address: 10.0.0.1 }
  red2: { host: h2, subnet: red/a, address: 10.0.0.2 }
`

interface Underlay {
  readonly network: string
  readonly hosts: readonly [string, string]
  readonly router: string
  readonly overhead: number
}

const underlays: readonly Underlay[] = [
  { network: '192.0.2.0/24', hosts: ['192.0.2.1', '192.0.2.2'], router: '192.0.2.254', overhead: 50 },
  { network: '2001:db8::/64', hosts: ['2001:db8::1', '2001:db8::2'], router: '2001:db8::ff', overhead: 70 },
]

for (const { network, hosts, router, overhead } of underlays) {
  const six = network.includes(':')
  const prefix = six ? 128 : 32
  suite(`over an underlay of ${six ? 'IPv6' : 'IPv4'}`, () => {
    let lab: ScratchLab
    const routerNs = (): string => lab.netns('router')
    const inRouter = async (...argv: string[]): Promise<void> => {
      const { code, stderr } = await run(inNetns(netnsPath(routerNs()), argv), { timeoutMs: 20_000 })
      assert.equal(code, 0, `${argv.join(' ')}: ${stderr}`)
    }
    const host = async (name: string, ...argv: string[]): Promise<string> => lab.must(name, ...argv)

    /** The interface through which the router reaches a host, with a route of the host to the other one by it. */
    async function link(name: string, mine: string, other: string, mtu: number): Promise<void> {
      const netns = lab.netns(name)
      await run([
        'ip',
        'link',
        'add',
        `to-${name}`,
        'netns',
        routerNs(),
        'mtu',
        '1500',
        'type',
        'veth',
        'peer',
        'name',
        'via',
        'netns',
        netns,
      ])
      await inRouter('ip', 'link', 'set', `to-${name}`, 'mtu', String(mtu), 'up')
      await inRouter('ip', 'route', 'add', `${mine}/${prefix}`, 'dev', `to-${name}`)
      await host(name, 'ip', 'link', 'set', 'via', 'mtu', String(mtu), 'up')
      // A host answers neighbour solicitations for addresses of the same interface alone.
      if (six) await host(name, 'ip', 'address', 'add', `${mine}/${prefix}`, 'dev', 'via', 'nodad')
      await inRouter('ip', 'address', 'add', `${router}/${prefix}`, 'dev', `to-${name}`, ...(six ? ['nodad'] : []))
      await host(name, 'ip', 'route', 'add', `${router}/${prefix}`, 'dev', 'via')
      const by = six ? ['via', router] : ['via', router, 'onlink']
      await host(name, 'ip', 'route', 'replace', `${other}/${prefix}`, ...by, 'dev', 'via', 'src', mine)
    }

    before(async () => {
      lab = await ScratchLab.up(labOf(network))
      await run(['ip', 'netns', 'add', routerNs()])
      await inRouter('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv6.conf.default.accept_dad=0')
      for (const name of ['h1', 'h2'])
        await host(name, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv4.conf.all.rp_filter=0')
      await link('h1', hosts[0], hosts[1], 1500)
      // The router cannot send more than this to h2: the narrow link.
      await link('h2', hosts[1], hosts[0], 1400)
    })
    after(async () => {
      await run(['ip', 'netns', 'del', routerNs()])
      await lab?.[Symbol.asyncDispose]()
    })

    test('small packets pass', async () => {
      await lab.must('red1', 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', '10.0.0.2')
    })

    test('TCP gets through', async () => {
      const { bytes } = await measureTransfer({ netns: lab.netns('red1'), address: '10.0.0.1' }, lab.guest('red2'), { seconds: 3 })
      assert.ok(bytes > 20e6, `${bytes} bytes`)
    })

    test('who sends too much is told what fits', async () => {
      if (!six)
        await host(
          'h1',
          'ip',
          'route',
          'change',
          `${hosts[1]}/${prefix}`,
          'via',
          router,
          'onlink',
          'dev',
          'via',
          'src',
          hosts[0],
          'mtu',
          '1400',
        )
      const told = new RegExp(`(mtu = |mtu=|mtu )${1400 - overhead}`)
      let said = ''
      for (let i = 0; i < 20 && !told.test(said); i++) {
        const size = String(1500 - overhead - 28)
        const { stdout, stderr } = await lab.run(
          'red1',
          'ping',
          '-n',
          '-c',
          '2',
          '-i',
          '0.2',
          '-W',
          '1',
          '-M',
          'do',
          '-s',
          size,
          '10.0.0.2',
        )
        said = stdout + stderr
      }
      assert.match(said, told)
      await lab.must('red1', 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', '-M', 'do', '-s', String(1400 - overhead - 28), '10.0.0.2')
    })

    test('a route that says so lowers what guests have', async () => {
      for (const [name, mine, other] of [
        ['h1', hosts[0], hosts[1]],
        ['h2', hosts[1], hosts[0]],
      ] as const)
        await host(
          name,
          'ip',
          'route',
          'replace',
          `${other}/${prefix}`,
          'via',
          router,
          ...(six ? [] : ['onlink']),
          'dev',
          'via',
          'src',
          mine,
          'mtu',
          '1360',
        )
      let mtu = 0
      // vpcd asks again at the latest after two seconds.
      for (const end = Date.now() + 15_000; Date.now() < end && mtu !== 1360 - overhead;) {
        const [found] = JSON.parse(await lab.must('red1', 'ip', '-j', 'link', 'show', 'eth0')) as [{ mtu: number }]
        mtu = found.mtu
      }
      assert.equal(mtu, 1360 - overhead)
    })
  })
}
