/**
 * Why one vnic cannot reach another: each obstacle is named, with who made it and a command; what the command stands
 * for takes the obstacle away. What one may not see, the answer does not tell.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { PathAnswer } from '#control/path/answer.ts'
import { LongAnswers } from '#control/path/long-answers.ts'
import { TestApi } from '../test-api.ts'

suite('a question about a path', () => {
  let api: TestApi
  let viewer: string
  let rival: string
  const ids: Record<string, string> = {}

  const make = async (plural: string, body: Record<string, unknown>): Promise<any> => {
    const made = await api.ok('POST', `/${plural}`, body)
    if (typeof body.name === 'string') ids[body.name] = made.id
    return made
  }
  const set = (path: string, body: object): Promise<any> => api.ok('PATCH', path, body, { 'if-match': '*' })
  const plug = (vnic: string, host: string): Promise<any> => api.ok('PUT', `/vnics/${ids[vnic]}/binding`, { host })

  before(async () => {
    api = await TestApi.start()
    await make('regions', { name: 'north' })
    await make('facilities', { name: 'f1', region: 'north' })
    await make('orgs', { name: 'acme' })
    for (const n of [1, 2]) await make('hosts', { name: `h${n}`, facility: 'f1', underlay: [{ address: `192.0.2.${n}` }] })
    await make('pools', { name: 'public', facility: 'f1', prefix: '203.0.113.0/28' })
    for (const [account, vpc] of Object.entries({ shop: 'red', bank: 'gold' })) {
      await make('accounts', { name: account, org: 'acme' })
      await make('vpcs', { name: vpc, account })
    }
    for (const [name, vpc, network4] of [
      ['web', 'red', '10.1.0.0/24'],
      ['db', 'red', '10.2.0.0/24'],
      ['vault', 'gold', '10.8.0.0/24'],
    ])
      await make('subnets', { name, vpc, network4 })
    for (const [name, account, subnet, ip] of [
      ['web1', 'shop', 'web', '10.1.0.5'],
      ['web2', 'shop', 'web', '10.1.0.6'],
      ['db1', 'shop', 'db', '10.2.0.7'],
      ['vault1', 'bank', 'vault', '10.8.0.9'],
    ])
      await make('vnics', { name, account, subnet, addresses: [ip] })
    viewer = await api.principal('ann', 'viewer', { account: 'shop' })
    rival = await api.principal('bob', 'operator', { account: 'bank' })
  })
  after(async () => {
    assert.deepEqual(api.logged, [])
    await api[Symbol.asyncDispose]()
  })

  async function ask(words: Record<string, string>, token = api.admin): Promise<PathAnswer> {
    const answer = await api.ask(token, 'GET', `/path-check?${new URLSearchParams(words)}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body as PathAnswer
  }
  const obstacle = async (words: Record<string, string>, token?: string) => (await ask(words, token)).obstacle!

  test('names each thing that stands in the way, one after the other', async () => {
    const to = { from: 'web1', to: 'db1', protocol: 'tcp', port: '5432' }
    let found = await obstacle(to)
    assert.deepEqual([found.code, found.thing?.name, found.command], ['unplugged', 'shop/web1', 'vpc vnic plug shop/web1 --host=HOST'])
    await plug('web1', 'h1')
    found = await obstacle(to)
    assert.equal(found.code, 'no-router')
    assert.equal(
      found.command,
      'vpc cloud router create main --vpc=shop/red --interface=subnet=shop/red/web --interface=subnet=shop/red/db',
    )
    await make('routers', { name: 'main', vpc: 'red', interfaces: [{ subnet: 'web' }] })
    found = await obstacle(to)
    assert.deepEqual([found.code, found.thing?.name], ['no-route', 'shop/red/main'])
    assert.equal((await obstacle({ from: '10.2.0.7', to: '10.1.0.5' })).code, 'unplugged')
    await plug('db1', 'h2')
    found = await obstacle({ from: '10.2.0.7', to: '10.1.0.5' })
    assert.equal(found.command, 'vpc cloud router set shop/red/main --add-interface=subnet=shop/red/db')
    await set(`/routers/${ids.main}`, { interfaces: [{ subnet: 'web' }, { subnet: 'db' }] })
    const open = await ask(to)
    assert.equal(open.obstacle, null)
    // No agent has ever come: said before anything is believed.
    assert.equal(open.verdict, 'not-yet')
    assert.deepEqual(open.programmed.hosts.map(({ name, role, state, acked }) => [name, role, state, acked]).sort(), [
      ['h1', 'source', 'unreachable', null],
      ['h2', 'destination', 'unreachable', null],
    ])
    assert.deepEqual([...new Set(open.steps.map(({ way }) => way))], ['request', 'answer'])
  })

  test('names the group whose rules do not allow it, who changed it, and a rule that would', async () => {
    await make('groups', { name: 'db', account: 'shop', rules: [{ direction: 'in', protocol: 'tcp', ports: ['22'] }] })
    await set(`/vnics/${ids.db1}`, { groups: ['db'] })
    await set(`/groups/${ids.db}`, { rules: [{ direction: 'in', protocol: 'tcp', ports: ['80-90'], note: 'web' }] })
    const found = await obstacle({ from: 'web1', to: 'shop/db1', protocol: 'tcp', port: '5432' })
    assert.equal(found.text, 'vnic shop/db1: the only rule for in of group shop/db does not allow tcp 5432 from 10.1.0.5')
    assert.equal(found.command, "vpc cloud group set shop/db --add-rule='direction=in protocol=tcp ports=5432 peers=cidr=10.1.0.5/32'")
    assert.deepEqual([found.changed?.name, found.changed?.fields], ['admin', ['rules']])
    const open = await ask({ from: 'web1', to: 'shop/db1', protocol: 'tcp', port: '85' })
    assert.match(JSON.stringify(open.steps), /group shop\/db allows it: direction=in protocol=tcp ports=80-90 \(web\)/)
    // A viewer sees the same, and gets no command that would be refused.
    const seen = await obstacle({ from: 'web1', to: 'shop/db1' }, viewer)
    assert.deepEqual([seen.code, seen.command, seen.changed?.name, seen.changed?.fields], ['group-in', null, null, null])
  })

  test('tells nothing of what the asker may not see', async () => {
    for (const words of [
      { from: 'web1', to: '10.8.0.9' },
      { from: 'vault1', to: 'web1' },
      { from: 'vault1', to: ids.web1! },
      { from: '198.51.100.7', to: '10.1.0.5' },
    ]) {
      const { status, body } = await api.ask(rival, 'GET', `/path-check?${new URLSearchParams(words)}`)
      assert.equal(status, 404, JSON.stringify(body))
    }
    // Its own address is that of somebody's vnic elsewhere: the answer is the same as if nobody had it.
    await plug('vault1', 'h2')
    await make('routers', { name: 'bankrouter', vpc: 'gold', interfaces: [{ subnet: 'vault' }] })
    const far = await ask({ from: 'vault1', to: '10.1.0.5' }, rival)
    assert.deepEqual([far.to, far.obstacle?.code], [{ kind: 'nobody', address: '10.1.0.5' }, 'no-route'])
    const near = await ask({ from: '10.1.0.5', to: 'vault1' }, rival)
    assert.deepEqual([near.from, near.obstacle?.code], [{ kind: 'outside', address: '10.1.0.5' }, 'no-public-address'])
    assert.doesNotMatch(JSON.stringify([far, near]), new RegExp(['shop', 'web1', ids.web1, ids.red].join('|')))
  })

  test('follows a peering, and names no further than it does', async () => {
    await make('peerings', { name: 'both', vpc: 'red', peerVpc: ids.gold })
    await make('route-tables', { name: 'far', vpc: 'red', routes: [{ destination: '10.8.0.0/24', peering: 'both' }] })
    await set(`/subnets/${ids.web}`, { routeTable: 'far' })
    let found = await obstacle({ from: 'web1', to: '10.8.0.9' })
    assert.deepEqual([found.code, found.command], ['peering', 'vpc peering set shop/red/both --accepted=true'])
    await set(`/peerings/${ids.both}`, { accepted: true })
    found = await obstacle({ from: 'web1', to: '10.8.0.9' })
    assert.equal(found.code, 'no-route')
    assert.match(found.text, /10\.1\.0\.5/)
    await make('route-tables', { name: 'back', vpc: 'gold', routes: [{ destination: '10.1.0.0/24', peering: 'both' }] })
    await set(`/subnets/${ids.vault}`, { routeTable: 'back' })
    assert.equal((await ask({ from: 'web1', to: '10.8.0.9' })).obstacle, null)
    await make('groups', { name: 'vaults', account: 'bank' })
    await set(`/vnics/${ids.vault1}`, { groups: ['vaults'] })
    const seen = await ask({ from: 'web1', to: '10.8.0.9' }, viewer)
    assert.deepEqual([seen.obstacle?.code, seen.obstacle?.thing, seen.obstacle?.changed, seen.to.kind], ['group-in', null, null, 'hidden'])
    assert.doesNotMatch(JSON.stringify(seen), new RegExp(['bank', 'vault', ids.vault1, ids.vaults, ids.h2].join('|')))
  })

  test('names the transit that is missing, the MTU of one, and a subnet without one VNI in both facilities', async () => {
    await make('facilities', { name: 'f2', region: 'north' })
    await make('hosts', { name: 'h9', facility: 'f2', underlay: [{ address: '198.51.100.9' }] })
    await make('vnics', { name: 'web9', account: 'shop', subnet: 'web', groups: [] })
    await plug('web9', 'h9')
    const far = { from: 'web1', to: 'web9' }
    let found = await obstacle(far)
    assert.deepEqual([found.code, found.command, found.changed], ['facility', 'vpc transit create f1-to-f2 --from=f1 --to=f2', null])
    assert.equal(found.text, 'no transit leads from facility f1 to facility f2')
    const told = await obstacle(far, viewer)
    assert.deepEqual([told.text, told.command], ['the two hosts are in different facilities, which nothing joins', null])
    await make('transits', { name: 'there', from: 'f1', to: 'f2', mtu: 1400 })
    assert.equal((await obstacle(far)).text, 'no transit leads from facility f2 to facility f1')
    await make('transits', { name: 'back', from: 'f2', to: 'f1' })
    const open = await ask(far)
    assert.equal(open.obstacle, null)
    assert.ok(open.steps.some(({ stage, text }) => stage === 'mtu' && text === 'packets up to 1350 bytes pass'))
    assert.doesNotMatch(
      JSON.stringify((await ask(far, viewer)).steps),
      new RegExp(['facility f', ids.f1, ids.f2, ids.there, ids.back].join('|')),
    )
    // Somebody has chosen another VNI there.
    await api.ok('DELETE', `/vnics/${ids.web9}/binding`)
    const placement = (await api.ok('GET', `/placements?subnet=${ids.web}`)).items.find((each: any) => each.facility === ids.f2)
    await api.ok('DELETE', `/placements/${placement.id}`)
    await make('placements', { subnet: ids.web, facility: 'f2', vni: 77 })
    await plug('web9', 'h9')
    found = await obstacle(far)
    assert.match(found.text, /^subnet shop\/red\/web \(10\.1\.0\.0\/24\) has not one VNI alone in all facilities/)
    await api.ok('DELETE', `/vnics/${ids.web9}/binding`)
    await api.ok('DELETE', `/vnics/${ids.web9}`)
    for (const name of ['there', 'back']) await api.ok('DELETE', `/transits/${ids[name]}`)
  })

  test('follows public addresses out, and round to a floating one', async () => {
    const out = { from: 'web2', to: '198.51.100.7', protocol: 'udp', port: '53' }
    await plug('web2', 'h2')
    await set(`/subnets/${ids.web}`, { routeTable: null })
    assert.equal((await obstacle(out)).code, 'no-route')
    await set(`/hosts/${ids.h1}`, { wires: [{ pool: 'public', interface: 'em1' }] })
    await make('floating-ips', { name: 'site', account: 'shop', pool: 'public', target: { vnic: 'web1' } })
    const found = await obstacle(out)
    assert.deepEqual([found.code, found.command], ['no-public-address', 'vpc cloud nat create out --vpc=shop/red --pool=public'])
    await make('nats', { name: 'out', vpc: 'red', pool: 'public' })
    const left = await ask(out)
    assert.deepEqual(
      [left.obstacle, left.to.kind, left.programmed.hosts.map(({ role }) => role).sort()],
      [null, 'outside', ['source', 'wire']],
    )
    assert.equal((await obstacle({ ...out, protocol: 'sctp' })).code, 'nat-protocol')
    const { ip } = await api.ok('GET', `/floating-ips/${ids.site}`)
    const round = await ask({ from: 'web2', to: ip })
    assert.deepEqual([round.obstacle, round.to.name], [null, 'shop/web1'])
    await set(`/floating-ips/${ids.site}`, { target: null })
    assert.equal((await obstacle({ from: 'web2', to: ip })).code, 'floating-free')
  })

  test('follows a packet from outside in by a floating address, and its answer out', async () => {
    const knock = { from: '198.51.100.7', to: 'web2', protocol: 'tcp', port: '443' }
    const found = await obstacle(knock)
    assert.deepEqual(
      [found.code, found.command],
      ['no-public-address', 'vpc floating-ip create web2 --account=shop --pool=public --target=vnic=shop/web2'],
    )
    const { ip } = await make('floating-ips', { name: 'door', account: 'shop', pool: 'public', target: { vnic: 'web2' } })
    const open = await ask(knock)
    assert.deepEqual(
      [open.obstacle, open.from, open.to.name, open.packet.destination],
      [null, { kind: 'outside', address: '198.51.100.7' }, 'shop/web2', ip],
    )
    assert.deepEqual(open.programmed.hosts.map(({ name, role }) => `${name} ${role}`).sort(), ['h1 wire', 'h2 destination'])
    assert.deepEqual((await ask({ ...knock, to: ip })).steps, open.steps)
    // Its address inside is not what the outside asks for.
    assert.match((await obstacle({ ...knock, to: '10.1.0.6' })).text, new RegExp(`ask about ${ip}`))
    await set(`/vnics/${ids.web2}`, { groups: ['db'] })
    const refused = await obstacle(knock)
    assert.equal(refused.code, 'group-in')
    assert.match(refused.command!, /peers=cidr=198\.51\.100\.7\/32/)
    await set(`/vnics/${ids.web2}`, { groups: [] })
    // To a stranger the address is as if nobody had it.
    assert.equal((await api.ask(rival, 'GET', `/path-check?from=198.51.100.7&to=${ip}`)).status, 404)
    // A subnet whose routes lead nowhere outside gets nothing from there.
    await make('route-tables', { name: 'inside', vpc: 'red', routes: [] })
    await set(`/subnets/${ids.web}`, { routeTable: 'inside' })
    assert.deepEqual(await obstacle(knock).then(({ code, thing }) => [code, thing?.name]), ['not-outside', 'shop/red/web'])
    await set(`/subnets/${ids.web}`, { routeTable: null })
  })

  test('and a matrix of all say the same', async () => {
    await make('vpcs', { name: 'grid', account: 'shop' })
    for (const [name, network4] of Object.entries({ front: '10.1.0.0/24', back: '10.2.0.0/24' }))
      await make('subnets', { name, vpc: 'grid', network4 })
    await make('routers', { name: 'joins', vpc: 'grid', interfaces: [{ subnet: 'front' }, { subnet: 'back' }] })
    await make('groups', { name: 'fronts', account: 'shop' })
    const rules = [
      { direction: 'in', protocol: 'tcp', ports: ['20-80', '443'], peers: [{ group: 'fronts' }] },
      { direction: 'in', protocol: 'udp', peers: [{ cidr: '10.1.0.128/25' }] },
    ]
    await make('groups', { name: 'backs', account: 'shop', rules })
    await make('groups', {
      name: 'out22',
      account: 'shop',
      rules: [
        { direction: 'out', protocol: 'tcp', ports: ['22'] },
        { direction: 'in', protocol: 'icmp' },
      ],
    })
    const stations = [
      ['f1', 'front', '10.1.0.5', ['fronts']],
      ['f2', 'front', '10.1.0.6', ['fronts']],
      ['f3', 'front', '10.1.0.200', ['out22']],
      ['f4', 'front', '10.1.0.7', []],
      ['b1', 'back', '10.2.0.5', ['backs']],
      ['b2', 'back', '10.2.0.6', ['backs']],
    ] as const
    for (const [name, subnet, ip, groups] of stations) await make('vnics', { name, account: 'shop', subnet, addresses: [ip], groups })
    for (const [i, [name]] of stations.entries()) await plug(name, `h${1 + (i % 2)}`)
    const { classes, cells, truncated } = await api.ok('GET', '/path-check/matrix?vpc=grid')
    assert.deepEqual([classes.map(({ vnics }: any) => vnics), truncated], [[2, 2, 1, 1], false])
    const examples = (id: number): string[] => classes[id].examples.map(({ name }: any) => name)
    let asked = 0
    for (const { from, to, allowed } of cells)
      for (const [a, b] of examples(from).flatMap((one) => examples(to).map((two) => [one, two] as const)))
        for (const [protocol, port] of [['icmp'], ['tcp', '22'], ['tcp', '81'], ['tcp', '443'], ['udp', '53']] as const) {
          if (a === b) continue
          const { verdict } = await ask({ from: a, to: b, protocol, ...(port && { port }) })
          // No host has taken part in this test, so none does what the model says.
          assert.equal(verdict, covers(allowed, protocol, port) ? 'not-yet' : 'blocked', `${a} ${b} ${protocol} ${port}: ${allowed}`)
          asked++
        }
    assert.ok(asked > 100)
    // Classes that differ in nothing but a place or a public address say so.
    const named = async (token = api.admin): Promise<string[]> =>
      (await api.ask(token, 'GET', '/path-check/matrix?vpc=grid')).body.classes.map(({ name }: any) => name)
    const apart = (all: string[], ...words: string[]): void => {
      assert.equal(new Set(all).size, all.length, all.join('\n'))
      for (const word of words) assert.ok(`${all.join('\n')}\n`.includes(`${word}\n`), `${word}: ${all.join('\n')}`)
    }
    apart(await named())
    await make('facilities', { name: 'far', region: 'north' })
    await make('hosts', { name: 'outpost', facility: 'far', underlay: [{ address: '192.0.2.99' }] })
    await api.ok('DELETE', `/vnics/${ids.f2}/binding`)
    await plug('f2', 'outpost')
    apart(await named(), 'in group shop/fronts, in facility f1', 'in group shop/fronts, in facility far')
    await make('floating-ips', { name: 'open', account: 'shop', pool: 'public', target: { vnic: 'b1' } })
    apart(await named(), 'in group shop/backs, with a floating address', 'in group shop/backs, without a floating address')
    await set(`/groups/${ids.fronts}`, { rules: [{ direction: 'in', peers: [{ cidr: '10.2.0.6/32' }] }] })
    apart(await named(), 'without a floating address, in 10.2.0.6/32')
    // Who may read the vpc alone reads no rules of groups, which are the account's.
    const guest = await api.principal('eve', 'viewer', { vpc: ids.grid! }, 'bank')
    assert.doesNotMatch((await named(guest)).join('\n'), /10\.2\.0\.6/)
    await api.ok('DELETE', `/floating-ips/${ids.open}`)
  })

  test('whoever names a vnic of another vpc hears so, also where its address is somebody here', async () => {
    await make('vpcs', { name: 'apart', account: 'bank' })
    await make('subnets', { name: 'lot', vpc: 'apart', network4: '10.1.0.0/24' })
    for (const [name, ip] of Object.entries({ nobodys: '10.1.0.77', twin: '10.1.0.7' })) {
      await make('vnics', { name, account: 'bank', subnet: 'lot', addresses: [ip] })
      await plug(name, 'h1')
    }
    const joined = 'vnic bank/nobodys is in vpc bank/apart, and no peering joins that to vpc shop/grid'
    const found = await ask({ from: 'f1', to: 'nobodys' })
    assert.deepEqual([found.obstacle!.code, found.obstacle!.text.split('; ')[1]], ['nobody', joined])
    assert.equal(found.steps.at(found.obstacle!.step)!.text, found.obstacle!.text)
    assert.equal(found.obstacle!.changed!.isNew, true)
    const { verdict, obstacle: other } = await ask({ from: 'f1', to: 'twin' })
    assert.deepEqual(
      [verdict, other?.code, other?.text],
      ['blocked', 'detour', '10.1.0.7 of vnic bank/twin is an address of another network: the packet goes to vnic shop/f4'],
    )
  })

  test('a long answer leaves others their turns, and is of one moment', async () => {
    const { mirror } = api.model
    const answers = new LongAnswers(mirror)
    let begun = 0
    /** Steps of a millisecond; in the middle of the first beginning something happens. */
    function* steps(happens = (): void => {}): Generator<void, number> {
      const mine = ++begun
      for (let n = 0; n < 60; n++) {
        for (const until = performance.now() + 1; performance.now() < until;);
        if (n === 30 && mine === 1) happens()
        yield
      }
      return mine
    }
    const isAbout = ({ id }: { readonly id: string }): boolean => id === ids.red
    let turns = 0
    const tick = setInterval(() => turns++, 0)
    assert.equal(await answers.work(() => steps(), isAbout), 1)
    clearInterval(tick)
    assert.ok(turns >= 3, `the loop had ${turns} turns in 60 ms of work`)
    // Each takes a change as soon as it is there: what it is about makes it begin anew, other things do not.
    for (const [vpc, beginnings] of [
      ['gold', 1],
      ['red', 2],
    ] as const) {
      begun = 0
      let changed: Promise<unknown> = Promise.resolve()
      const change = (): void => void (changed = set(`/vpcs/${ids[vpc]}`, { labels: { n: 'moved' } }))
      const held = function* (): Generator<void, number> {
        const from = mirror.revision
        const value = yield* steps(change)
        if (value === 1) while (mirror.revision === from) yield
        return value
      }
      assert.equal(await answers.work(held, isAbout), beginnings)
      await changed
    }
    // As many as are let in at once, and those that wait.
    const short = function* (): Generator<void, void> {
      yield
    }
    const many = Array.from({ length: 37 }, () => answers.work(short, isAbout))
    const ends = await Promise.allSettled(many)
    assert.deepEqual(
      ends.filter(({ status }) => status === 'rejected').map((end: any) => end.reason.code),
      ['rate-limited'],
    )
  })

  test('refuses what is not a question', async () => {
    for (const [words, status, says] of [
      [{ from: 'web1' }, 400, /to: it is missing/],
      [{ from: 'web1', to: 'db1', protocol: 'tcp' }, 400, /port: it is missing/],
      [{ from: 'web1', to: 'db1', port: '4' }, 400, /a ping has no port/],
      [{ from: 'web1', to: 'db1', prot: 'tcp' }, 400, /did you mean protocol/],
      [{ from: 'web1', to: 'fd00::1' }, 400, /no address of one family/],
      [{ from: 'nobody', to: 'db1' }, 404, /no vnic nobody/],
      [{ from: '198.51.100.7', to: '192.0.2.9' }, 404, /has 198\.51\.100\.7 or 192\.0\.2\.9; one of the two/],
      [{ from: 'fd00::7', to: 'db1' }, 400, /no address of one family/],
      [{ from: '127.0.0.1', to: 'db1' }, 400, /no packet comes from 127\.0\.0\.1/],
    ] as const) {
      const { status: is, body } = await api.ask(api.admin, 'POST', '/path-check', words)
      assert.equal(is, status)
      assert.match(body.detail, says)
    }
  })
})

/** Whether `tcp 22,80-90; icmp` has a packet. */
function covers(allowed: string, protocol: string, port?: string): boolean {
  if (allowed === 'all') return true
  const own = allowed.split('; ').find((part) => part.split(' ')[0] === protocol)
  const ranges = own?.split(' ')[1]?.split(',')
  if (own === undefined || ranges === undefined) return own !== undefined
  return ranges.some((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return first! <= Number(port) && Number(port) <= last!
  })
}
