/**
 * Routers, groups, public addresses and a peering by commands of the cloud alone: a real API, agents that have joined,
 * real vpcds, and guests who notice each change within moments.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { runVpc, vpcPath } from '../cli/run-vpc.ts'
import { RealApi } from './real-api.ts'
import { Scene, until, type AgentHost } from './scene.ts'

/** Seconds within which a change counts on all hosts. It takes a tenth of one; the machine of a test may be busy. */
const moments = 8
const outside = '203.0.113.254'

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

suite('a cloud with routers, groups, public addresses and a peering', () => {
  let scene: Scene
  const api = new RealApi()
  let [one, two, three]: AgentHost[] = []
  const started: ChildProcess[] = []
  const netnsOf = new Map<string, string>()
  const addresses = new Map<string, string>()
  const isp = `isp-${process.pid}`
  /** Drop events of the second host, by `vpc drops` of a user who is logged in. */
  const drops: { reason: string; refusal?: any; names?: Record<string, any> }[] = []

  before(async () => {
    scene = await Scene.start(3, async () => {
      await api.start()
      await api.make(['regions', { name: 'north' }], ['facilities', { name: 'f1', region: 'north' }], ['orgs', { name: 'acme' }])
    })
    ;[one, two, three] = scene.hosts
    api.join([one!, two!])
    ip('netns', 'add', isp)
    two!.host.ip('link', 'add', 'pub0', 'type', 'veth', 'peer', 'name', 'wire', 'netns', isp)
    two!.host.ip('link', 'set', 'pub0', 'up')
    ip('-n', isp, 'address', 'add', `${outside}/24`, 'dev', 'wire')
    for (const name of ['lo', 'wire']) ip('-n', isp, 'link', 'set', name, 'up')
    for (const [account, vpc] of Object.entries({ shop: 'red', bank: 'gold' }))
      await api.make(['accounts', { name: account, org: 'acme' }], ['vpcs', { name: vpc, account }])
    await api.make(...subnets.map(([name, vpc, network4]) => ['subnets', { name, vpc, network4 }] as const))
    await guest('web1', 'shop', 'web', one!)
    await guest('db1', 'shop', 'db', two!)
    await guest('vault1', 'bank', 'vault', one!)
  })
  after(async () => {
    for (const child of started) child.kill('SIGKILL')
    await scene[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
    ip('netns', 'del', isp)
  })

  const subnets = [
    ['web', 'red', '10.1.0.0/24'],
    ['db', 'red', '10.2.0.0/24'],
    ['vault', 'gold', '10.8.0.0/24'],
  ] as const

  /** A vnic that is plugged in on a host, in a guest whose default route is its gateway. */
  async function guest(vnic: string, account: string, subnet: string, host: AgentHost): Promise<void> {
    api.do(`vnic create ${vnic} --account=${account} --subnet=${subnet}`)
    const made = JSON.parse(api.do(`vnic get ${vnic} --account=${account} --json`)) as { addresses: string[] }
    api.do(`vnic plug ${vnic} --account=${account} --host=h${host.n}`)
    const unit = await until(`an interface for ${vnic}`, () => host.host.devices().find((device) => device.startsWith('hostif')))
    const address = made.addresses[0]!
    const run = host.host.guest(vnic, unit, `${address}/24`)
    run('ip', 'route', 'add', 'default', 'via', address.replace(/\d+$/, '1'))
    netnsOf.set(vnic, host.host.guestName(vnic))
    addresses.set(vnic, address)
  }

  /** What a program prints in the namespace of a guest, or outside; empty when it fails. */
  function inside(where: string, command: string): string {
    const netns = netnsOf.get(where) ?? where
    return execFileSync('ip', ['netns', 'exec', netns, 'sh', '-c', `${command} 2>/dev/null || true`], { encoding: 'utf8' })
  }

  function start(where: string, stdio: 'pipe' | 'ignore', ...argv: string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', netnsOf.get(where) ?? where, ...argv], { stdio: [stdio, stdio, 'ignore'] })
    started.push(child)
    return child
  }

  /** A server that says whom it sees, then sends back what it gets. */
  const serve = (where: string, port: number): ChildProcess =>
    start(where, 'ignore', 'socat', `TCP-LISTEN:${port},fork,reuseaddr`, 'SYSTEM:echo $SOCAT_PEERADDR; cat')

  const pings = (from: string, to: string): boolean => inside(from, `ping -c 1 -W 1 ${to}`).includes(' 0% packet loss')
  /** Whom a server sees; empty when it cannot be reached. */
  const seenBy = (from: string, to: string, port: number): string =>
    inside(from, `echo | socat -T 1 - TCP:${to}:${port},connect-timeout=1`).trim().split('\n')[0]!
  const soon = (what: string, find: () => boolean): Promise<unknown> => until(what, find, moments)
  const of = (vnic: string): string => addresses.get(vnic)!

  test('a router joins two subnets, also of two hosts', async () => {
    assert.equal(pings('web1', of('db1')), false)
    api.vpc('cloud', 'router', 'create', 'main', '--vpc=red', '--interface=subnet=web', '--interface=subnet=db')
    await soon('an answer from the other subnet', () => pings('web1', of('db1')))
    assert.match(inside('web1', `ping -c 1 -t 1 -W 1 ${of('db1')}; true`), /Time to live exceeded/)
  })

  test('a group lets one port in; a drop says the vnic and the group by name', async () => {
    const follow = ['drops', '--follow', '--state-dir', two!.agentDir]
    const env = { ...process.env, ...api.env, VPC_SOCKET: two!.host.socketPath }
    const child = spawn(vpcPath, [...follow, '--json'], { stdio: ['ignore', 'pipe', 'inherit'], env })
    started.push(child)
    createInterface({ input: child.stdout }).on('line', (line) => drops.push(JSON.parse(line)))
    serve('db1', 22)
    serve('db1', 80)
    for (const port of [22, 80]) await soon(`port ${port}`, () => seenBy('web1', of('db1'), port) === of('web1'))
    api.vpc('cloud', 'group', 'create', 'web', '--account=shop', '--rule=direction=in')
    api.vpc('cloud', 'group', 'create', 'db', '--account=shop', '--rule=direction=in protocol=tcp ports=22 peers=group=web note=ssh')
    api.do('vnic set web1 --account=shop --group=web')
    api.do('vnic set db1 --account=shop --group=db')
    await soon('port 80 is closed', () => seenBy('web1', of('db1'), 80) === '')
    assert.equal(seenBy('web1', of('db1'), 22), of('web1'), 'a member of the other group, on another host')
    const event = await until('an event', () => drops.find(({ reason }) => reason === 'sg_denied'))
    const named = Object.values(event.names!).map(({ kind, path }) => `${kind} ${path}`)
    assert.deepEqual(new Set(named), new Set(['vnic shop/db1', 'group shop/db', 'group shop/web']))
    assert.deepEqual(event.names![event.refusal.port].path, 'shop/db1')
    const counters = runVpc(['drops', '--reason=no_listener', '--state-dir', two!.agentDir], {
      env: { ...api.env, VPC_SOCKET: two!.host.socketPath },
    })
    assert.match(counters.stdout, /vnic shop\/db1 /)
  })

  test('a rule that goes ends what it had allowed, and the drop says which rule that was', async () => {
    const client = start('web1', 'pipe', 'socat', '-', `TCP:${of('db1')}:22`)
    const lines: string[] = []
    createInterface({ input: client.stdout! }).on('line', (line) => lines.push(line))
    const echo = async (text: string): Promise<void> => {
      client.stdin!.write(`${text}\n`)
      await soon(text, () => lines.includes(text))
    }
    await echo('before')
    await echo('again')
    api.vpc('cloud', 'group', 'set', 'db', '--account=shop', '--rule=direction=in protocol=tcp ports=443')
    await until(
      'a revoked flow',
      () => {
        client.stdin!.write('late\n')
        return drops.some(({ reason }) => reason === 'sg_revoked')
      },
      moments,
    )
    const { refusal, names } = drops.find(({ reason }) => reason === 'sg_revoked')!
    const rule = Object.values(names!).find(({ kind }) => kind === 'rule')
    assert.deepEqual([rule.name, rule.path], ['"ssh"', 'shop/db'])
    assert.match(refusal.rule, new RegExp(`^rule ${rule.id} of group`))
    assert.equal(seenBy('web1', of('db1'), 22), '')
    api.vpc('cloud', 'group', 'set', 'db', '--account=shop', '--rule=direction=in')
    await soon('port 80 is open', () => seenBy('web1', of('db1'), 80) === of('web1'))
  })

  test('a floating address and a shared one, with the wire on one host', async () => {
    api.do('pool create p1 --facility=f1 --prefix=203.0.113.0/28')
    api.vpc('host', 'set', 'h2', `--wire=pool=p1 interface=pub0 prefix4=203.0.113.0/24`)
    api.do('floating-ip create f1 --account=shop --pool=p1 --ip=203.0.113.5 --target=vnic=web1')
    await soon('from outside to a guest of the other host', () => pings(isp, '203.0.113.5'))
    serve(isp, 7)
    await soon('the guest is seen by its floating address', () => seenBy('web1', outside, 7) === '203.0.113.5')
    assert.equal(seenBy('db1', outside, 7), '', 'without a public address')
    api.do('cloud nat create out --vpc=red --pool=p1 --public-ip=203.0.113.9')
    await soon('the guest of the wire’s host by the shared one', () => seenBy('db1', outside, 7) === '203.0.113.9')
    api.do('floating-ip set f1 --account=shop --target=vnic=db1')
    await soon('the address moves', () => seenBy('db1', outside, 7) === '203.0.113.5' && seenBy('web1', outside, 7) === '203.0.113.9')
    assert.ok(pings(isp, '203.0.113.5'))
  })

  test('transits join two facilities, both ways or not at all, by a way with an MTU and under IPsec', async () => {
    api.do('facility create f2 --region=north')
    api.join([three!], 'f2')
    await guest('web2', 'shop', 'web', three!)
    const why = (): string => runVpc(['why', 'shop/web1', 'shop/web2'], { env: api.env }).stdout
    assert.match(why(), /no transit leads from facility f1 to facility f2/)
    assert.match(why(), /vpc transit create f1-to-f2 --from=f1 --to=f2/)
    api.do('transit create there --from=f1 --to=f2')
    assert.match(api.do('transit list'), /there .*one-way/)
    assert.match(why(), /no transit leads from facility f2 to facility f1/)
    assert.equal(pings('web1', of('web2')), false)
    api.do('transit create back --from=f2 --to=f1')
    await soon('an answer of the other facility', () => pings('web1', of('web2')))
    await soon('one that is routed there', () => pings('web2', of('db1')) && pings('db1', of('web2')))
    const large = (size: number): string => inside('web1', `ping -c 1 -W 1 -M do -s ${size} ${of('web2')} 2>&1`)
    assert.match(large(1400), / 0% packet loss/)
    api.do('transit set there --mtu=1400')
    await soon('a way that is too narrow', () => /mtu ?= ?1350/.test(large(1400)))
    assert.match(large(1322), / 0% packet loss/)
    assert.match(inside('web1', `ping -c 1 -W 1 -M do -s 1400 ${of('db1')}`), / 0% packet loss/)
    api.do('transit set back --mode=ipsec')
    await soon('nothing in plain', () => !pings('web1', of('web2')) && !pings('web2', of('db1')))
    assert.ok(pings('web1', of('db1')), 'in the facility')
    decide([one!, three!])
    await soon('an answer, as policies of the operator decide', () => pings('web1', of('web2')))
    api.do('transit destroy there')
    await soon('nothing', () => !pings('web1', of('web2')))
    assert.match(why(), /no transit leads from facility f1 to facility f2/)
    api.do('transit destroy back')
  })

  /** Policies of the operator for what two muxes send each other: they let it pass, as a kernel may have no ESP. */
  function decide(hosts: readonly AgentHost[]): void {
    for (const host of hosts)
      for (const from of hosts)
        for (const to of hosts.filter((each) => each !== from)) {
          const ends = ['src', `192.0.2.${from.n}`, 'dst', `192.0.2.${to.n}`]
          const which = ['proto', 'udp', 'dport', '4789', 'dir', from === host ? 'out' : 'in']
          ip('-n', host.host.netns, 'xfrm', 'policy', 'add', ...ends, ...which)
        }
  }

  test('a peering of two accounts: nothing before both agree and have routes, then both ways, then nothing', async () => {
    api.vpc('cloud', 'router', 'create', 'main', '--vpc=gold', '--interface=subnet=vault')
    const { id } = JSON.parse(api.do('vpc get gold --account=bank --json')) as { id: string }
    api.do(`peering create both --vpc=red --peer-vpc=${id}`)
    const route = (vpc: string, subnet: string, to: string): void => {
      api.vpc('route-table', 'create', 'far', `--vpc=${vpc}`, `--route=destination=${to} peering=red/both`)
      api.do(`cloud subnet set ${subnet} --vpc=${vpc} --route-table=far`)
    }
    route('red', 'web', '10.8.0.0/24')
    await soon('an error of the route', () => /cannot route by peering .*has not accepted it/.test(statusOf(one!)))
    const said = /"problem":\s*{[^}]*has not accepted it[^}]*"hosts":\s*3/
    await soon('the route table says so', () => said.test(api.do('route-table get far --vpc=red --json')))
    assert.equal(pings('web1', of('vault1')), false)
    api.do('peering set both --vpc=red --accepted=true')
    route('gold', 'vault', '10.1.0.0/24')
    await soon('an answer', () => pings('web1', of('vault1')) && pings('vault1', of('web1')))
    assert.equal(pings('vault1', of('db1')), false, 'it has no route back')
    api.do('peering set both --vpc=red --accepted=false')
    await soon('no answer', () => !pings('web1', of('vault1')))
  })

  const statusOf = (host: AgentHost): string => host.vpc('agent', 'status', '--state-dir', host.agentDir).stdout

  test('the next host of the wire gives stations the blocks of ports that they had', async () => {
    const blocks = (host: AgentHost): string[] =>
      (JSON.parse(host.ok('nat', 'block', 'list', '--nat-id=vpcnat0', '--json')) as any[]).map(
        ({ inside, address, firstPort }) => `${inside} ${address} ${firstPort}`,
      )
    const had = blocks(two!)
    assert.ok(had.length > 0)
    const written = (): boolean => {
      using store = new DatabaseSync(`${api.directory}/state/control.db`, { readOnly: true })
      return store.prepare("SELECT key FROM kv WHERE key LIKE 'nb/%'").all().length > 0
    }
    await until('what the host of the wire says', written)
    one!.host.ip('link', 'add', 'pub0', 'type', 'veth', 'peer', 'name', 'pub0-far')
    one!.host.ip('link', 'set', 'pub0', 'up')
    api.vpc('host', 'set', 'h1', '--wire=pool=p1 interface=pub0 prefix4=203.0.113.0/24')
    api.vpc('host', 'set', 'h2', '--unset=wires')
    await soon('the blocks', () => had.every((line) => blocks(one!).includes(line)))
  })

  test('what is unplugged and destroyed leaves nothing on the hosts', async () => {
    for (const [vnic, account] of [
      ['web1', 'shop'],
      ['web2', 'shop'],
      ['db1', 'shop'],
      ['vault1', 'bank'],
    ])
      api.do(`vnic unplug ${vnic} --account=${account}`)
    api.do('floating-ip destroy f1 --account=shop')
    api.do('cloud nat destroy out --vpc=red')
    const left = (host: AgentHost): string[] =>
      (JSON.parse(host.ok('list', '--json')) as { type: string }[]).map(({ type }) => type).filter((type) => type !== 'mgmt')
    for (const host of scene.hosts) {
      await until('nothing but the underlay', () => left(host).sort().join() === 'ethlink,vpcmux', moments)
      assert.match(statusOf(host), /errors +0/)
    }
  })
})
