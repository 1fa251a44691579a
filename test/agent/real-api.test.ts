/** The real API, real agents that have joined, and real vpcds: guests talk by nothing but commands of the cloud. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { assertNothingLost, countDuring } from '../recovery/counted-traffic.ts'
import { readObjects } from '#feed/objects-file.ts'
import type { CloudEvent } from '#resource/cloud-event.ts'
import type { HostEvent } from '../../src/cli/host-events.ts'
import { checkLog } from '../log-lines.ts'
import { RealApi } from './real-api.ts'
import { Scene, until, type AgentHost } from './scene.ts'

/** The name of the hostif in a guest. */
function unitOf(run: (...command: string[]) => string): string {
  return /^\d+: (hostif\d+)/m.exec(run('ip', 'link'))![1]!
}

const run = (netns: string, ...command: string[]): string =>
  spawnSync('ip', ['netns', 'exec', netns, ...command], { encoding: 'utf8' }).stdout

const account = [
  ['regions', { name: 'north' }],
  ['facilities', { name: 'f1', region: 'north' }],
  ['orgs', { name: 'acme' }],
  ['accounts', { name: 'shop', org: 'acme' }],
] as const

suite('a cloud of four hosts', () => {
  let scene: Scene
  const api = new RealApi()
  let [one, two, three, four]: AgentHost[] = []
  let ping: (...args: string[]) => string
  const addresses = new Map<string, string>()
  function addressOf(vnic: string): string {
    const known = addresses.get(vnic)
    if (known !== undefined) return known
    const found = (JSON.parse(api.do(`vnic get ${vnic} --account=shop --json`)) as { addresses: string[] }).addresses[0]!
    addresses.set(vnic, found)
    return found
  }

  before(async () => {
    scene = await Scene.start(4, async () => {
      await api.start()
      await api.make(
        ...account,
        ['vpcs', { name: 'red', account: 'shop' }],
        ['subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' }],
      )
    })
    ;[one, two, three, four] = scene.hosts
    api.join(scene.hosts)
  })
  after(async () => {
    await scene[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** Wait for the interface of a vnic that came to a host, and give it to a guest. */
  async function guest(host: AgentHost, name: string, vnic: string): Promise<(...command: string[]) => string> {
    const unit = await until(`an interface for ${vnic}`, () => host.host.devices().find((device) => device.startsWith('hostif')))
    return host.host.guest(name, unit, `${addressOf(vnic)}/24`)
  }

  test('guests of two hosts talk by names alone', async () => {
    for (const [vnic, host] of [
      ['web1', 'h1'],
      ['web2', 'h2'],
    ]) {
      api.do(`vnic create ${vnic} --account=shop --subnet=web`)
      api.do(`vnic plug ${vnic} --account=shop --host=${host}`)
    }
    ping = await guest(one!, 'web1', 'web1')
    await guest(two!, 'web2', 'web2')
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web2')} || true`).includes(' 0% packet loss'))
  })

  test('the id of a request is in the log of the API, of each host that did what it changed, and in the events', async () => {
    const cloud = api.follow<CloudEvent>('events', '--follow', '--since=1h')
    const own = api.follow<HostEvent>('events', '--local', `--socket=${one!.host.socketPath}`, `--state-dir=${one!.agentDir}`)
    await until('a first event', () => cloud.seen.length > 0)
    for (const line of ['create traced --subnet=web', 'plug traced --host=h1', 'set traced --dhcp-hostname=tr', 'unplug traced'])
      api.do(`vnic ${line} --account=shop`)
    const { id } = JSON.parse(api.do('vnic get traced --account=shop --json')) as { id: string }
    api.do('vnic destroy traced --account=shop')
    const { items } = (await api.get(`/audit?target=${id}`)) as { items: { request: string; method: string }[] }
    assert.deepEqual(
      items.map(({ method }) => method),
      ['DELETE', 'DELETE', 'PATCH', 'PUT', 'POST'],
    )
    const said = (host: AgentHost, request: string) => host.agentLog.filter((line) => line.includes(request))
    // Both hosts have vnics of its subnet. What is plugged in nowhere concerns no host.
    for (const [i, { request, method }] of items.entries()) {
      assert.equal(api.log.filter((line) => line.includes(request)).length, 1, method)
      const concerned = i === 0 || i === 4 ? [] : [one!, two!]
      for (const host of concerned) {
        const [line] = await until(`${method} on ${host.n}`, () => said(host, request).length > 0 && said(host, request))
        const { level, message } = JSON.parse(line!) as { level: string; message: string }
        assert.deepEqual([level, message], ['info', 'the host does what a request changed'])
      }
      for (const host of scene.hosts.filter((each) => !concerned.includes(each))) assert.deepEqual(said(host, request), [], method)
    }
    const told = (): CloudEvent[] => cloud.seen.filter((each) => each.id === id)
    await until('the end', () => told().some(({ event }) => event === 'destroyed'))
    const changes = told().filter(({ event }) => event !== 'state')
    assert.deepEqual(
      changes.map(({ event, state, request, by }) => [state ?? event, request, by?.name]),
      ['created', 'plugged', 'changed', 'unplugged', 'destroyed'].map((what, i) => [what, items.toReversed()[i]!.request, 'admin']),
    )
    const ready = told().find(({ event, state }) => event === 'state' && state === 'ready')
    assert.ok([items[3]!.request, items[2]!.request].includes(ready!.request!), JSON.stringify(ready))
    const lines = api.do(`events --vnic=${id} --since=1h --utc`).trim().split('\n')
    assert.deepEqual(
      lines.map((line) => / {2}(.*) {2}\(request \S+\)$/.exec(line)?.[1]),
      [
        `vnic traced created, by admin`,
        'vnic traced plugged in on host h1, by admin',
        'vnic traced changed: dhcpHostname, by admin',
        'vnic traced unplugged from host h1, by admin',
        'vnic traced destroyed, by admin',
      ],
    )
    const ofPort = (): HostEvent[] => own.seen.filter(({ unit }) => unit?.startsWith('vpcp') === true)
    await until('its port to be told by vpcd', () => ofPort().some(({ event }) => event === 'remove'))
    assert.equal(ofPort()[0]!.event, 'create')
    await Promise.all([cloud.end(), own.end()])
    for (const [name, lines] of [['api', api.log], ...scene.hosts.map(({ n, agentLog }) => [`agent ${n}`, agentLog] as const)] as const)
      checkLog(name, lines.join('\n'))
  })

  test('a guest reads its keys and user data, and finds others by name', async () => {
    const file = join(api.directory, 'user-data')
    writeFileSync(file, '#!/bin/sh\necho "it is mine: ä"\n')
    api.do('vpc set red --account=shop --dns=name=red.example')
    api.do('vnic create app1 --account=shop --subnet=web')
    const guestIs = ['--account=shop', '--type=container', '--vnic=app1', '--host=h1']
    api.vpc('cloud', 'vm', 'create', 'app', ...guestIs, '--ssh-key=ssh-ed25519 AAAA alice', `--user-data-file=${file}`)
    const run = await guest(one!, 'app', 'app1')
    for (const address of ['169.254.169.254', '169.254.169.253']) run('ip', 'route', 'add', address, 'dev', unitOf(run))
    const get = (path: string): string =>
      run('curl', '-s', '--noproxy', '*', '--max-time', '5', '--retry', '5', '--retry-connrefused', `http://169.254.169.254/latest/${path}`)
    await until('the metadata', () => get('meta-data/hostname') === 'app.red.example')
    assert.equal(get('user-data'), readFileSync(file, 'utf8'))
    assert.equal(get('meta-data/public-keys/0/openssh-key'), 'ssh-ed25519 AAAA alice')
    const dig = (...words: string[]): string => run('dig', '@169.254.169.253', '+short', '+tries=3', '+time=2', ...words).trim()
    for (const [name, vnic] of [
      ['app', 'app1'],
      ['web1', 'web1'],
      ['web2', 'web2'],
    ])
      assert.equal(dig(`${name}.red.example`), addressOf(vnic!))
    // One is on this host, the other is not.
    for (const vnic of ['web1', 'web2']) assert.equal(dig('-x', addressOf(vnic)), `${vnic}.red.example.`)
    api.do('vnic set web2 --account=shop --dhcp-hostname=db')
    await until('the new name', () => dig('db.red.example') === addressOf('web2') && dig('web2.red.example') === '')
    // Another name, and other data, are there at once.
    api.vpc('cloud', 'vm', 'set', 'app', '--account=shop', '--rename=app2', '--unset=userData')
    await until('the new name', () => dig('app2.red.example') === addressOf('app1') && dig('app.red.example') === '')
    assert.match(get('user-data'), /no such metadata/)
    api.do('cloud subnet set web --vpc=red --metadata=false')
    const ask = 'curl -s -o /dev/null --noproxy * --max-time 1 http://169.254.169.254/ && echo answered || true'
    await until('silence', () => run('sh', '-f', '-c', ask) === '')
    api.do('cloud vm set app2 --account=shop --unset=host')
    api.do('cloud vm destroy app2 --account=shop')
    api.do('vnic destroy app1 --account=shop')
    await until('the port to go', () => (JSON.parse(one!.ok('switch', 'port', 'list', '--json')) as unknown[]).length === 1)
  })

  test('API, agents and vpcds are killed at once under traffic: nothing is lost, and what comes then is done', async () => {
    const [from, to] = [one!.host.guestName('web1'), two!.host.guestName('web2')]
    const count = await countDuring(from, to, addressOf('web2'), async () => {
      const both = [one!, two!]
      await Promise.all([api.kill(), ...both.flatMap((host) => [host.killAgent(), host.killVpcd()])])
      await Promise.all([api.start(), ...both.map((host) => host.startVpcd())])
      for (const host of both) host.startAgent({ joined: true })
      api.do('vnic create web3 --account=shop --subnet=web')
      api.do('vnic plug web3 --account=shop --host=h2')
      await guest(two!, 'web3', 'web3')
    })
    assertNothingLost(count)
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web3')} || true`).includes(' 0% packet loss'))
  })

  test('with the store away, guests talk and agents start anew; a change is refused, and comes when the store is back', async () => {
    const [from, to] = [one!.host.guestName('web1'), two!.host.guestName('web2')]
    const store = new DatabaseSync(join(api.directory, 'state', 'control.db'))
    store.exec('BEGIN IMMEDIATE') // Nobody else can write to it.
    const create = 'vnic create late --account=shop --subnet=web'
    const count = await countDuring(from, to, addressOf('web2'), async () => {
      assert.match(api.refused(create), /the store/)
      for (const host of [one!, two!]) {
        await host.killAgent()
        host.startAgent({ joined: true })
      }
      for (const host of [one!, two!])
        await until('its agent has the feed', () => host.vpc('agent', 'status', '--state-dir', host.agentDir).stdout.includes('connected'))
    })
    assertNothingLost(count)
    store.exec('ROLLBACK')
    store.close()
    api.do(create)
    api.do('vnic destroy late')
  })

  test('the API knows what a vnic has sent, and a host what is to be written of its flows', async () => {
    api.do('cloud flow-log create log --account=shop --subnet=red/web --destination=files --verdict=denied')
    await until(
      'points of web1',
      async () => {
        ping('ping', '-c', '1', '-W', '5', addressOf('web2'))
        const { points } = (await api.get('/vnics/web1/stats?account=shop')) as { points: { rxPackets: number }[] }
        return points.some(({ rxPackets }) => rxPackets > 0)
      },
      60,
    )
    const { points } = (await api.get('/vpcs/red/stats')) as { points: { txPackets: number }[] }
    assert.ok(points.some(({ txPackets }) => txPackets > 0))
    const things = Object.values(readObjects(one!.agentDir)).filter(({ kind }) => kind === 'vnic')
    assert.ok(things.length > 0 && things.every(({ flowLogs }) => flowLogs?.[0]?.destination === 'files'))
    api.do('cloud flow-log destroy log --account=shop')
    await until('no flow log', () => Object.values(readObjects(one!.agentDir)).every(({ flowLogs }) => flowLogs === undefined))
  })

  test('a vnic that is plugged in elsewhere leaves the one host and comes to the other', async () => {
    api.do('vnic plug web3 --account=shop --host=h1')
    await guest(one!, 'web3', 'web3')
    await until('an answer', () => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('web3')} || true`).includes(' 0% packet loss'))
    const left = await until('one port on the other', () => {
      const ports = JSON.parse(two!.ok('switch', 'port', 'list', '--json')) as unknown[]
      return ports.length === 1 && ports
    })
    assert.match(JSON.stringify(left), new RegExp(addressOf('web2')))
    for (const host of scene.hosts) assert.match(host.vpc('agent', 'status', '--state-dir', host.agentDir).stdout, /errors +0/)
  })
  test('a vnic moves twice: the first host sends what comes there on to the newest place', async () => {
    api.do('vnic create mover --account=shop --subnet=web')
    const { mac } = JSON.parse(api.do('vnic get mover --account=shop --json')) as { mac: string }
    const [mux] = JSON.parse(one!.ok('mux', 'list', '--json')) as { id: string }[]
    const place = (): string | undefined => {
      const entries = JSON.parse(one!.ok('mux', 'fte', 'list', '--mux-id', mux!.id, '--json')) as { mac: string; vtep: string }[]
      return entries.find((entry) => entry.mac === mac)?.vtep
    }
    // Hosts 3 and 4 may send into the VNI, which host 1 hears while it hears anything.
    for (const host of [three!, four!]) {
      api.do(`vnic create stay${host.n} --account=shop --subnet=web`)
      api.do(`vnic plug stay${host.n} --account=shop --host=h${host.n} --wait`)
      await guest(host, `stay${host.n}`, `stay${host.n}`)
    }
    const pings = (): boolean => ping('sh', '-c', `ping -c 1 -W 1 ${addressOf('mover')} || true`).includes(' 0% packet loss')
    for (const host of [two!, three!, four!]) {
      api.do(`vnic plug mover --account=shop --host=h${host.n}`)
      const inGuest = await guest(host, 'mover', 'mover')
      // Host 1 takes no answer from a place that it does not know: what counts is what arrives.
      const arrived = (): boolean => !/InEchos\S* +0\b/.test(inGuest('nstat', '-asz', 'IcmpInEchos'))
      await until(`a packet of host 1 on host ${host.n}`, () => pings() || arrived())
      // From here on this host hears of no move.
      if (host === two) process.kill(one!.agentPid, 'SIGSTOP')
    }
    assert.equal(place(), '192.0.2.2', 'packets take the way over the first host')
    process.kill(one!.agentPid, 'SIGCONT')
    await until('it hears of the move', () => place() === '192.0.2.4')
    await until('an answer from there', pings)
    for (const vnic of ['mover', 'stay3', 'stay4']) api.do(`vnic unplug ${vnic} --account=shop`)
  })

  test('guests of a vpc on demand find each other, also after the API has forgotten who asked', async () => {
    api.do('vpc create blue --account=shop --resolution=demand')
    api.do('cloud subnet create far --vpc=blue --network4=10.7.0.0/24')
    const made = [
      ['blue1', 'h1'],
      ['blue2', 'h2'],
    ] as const
    for (const [vnic, host] of made) {
      api.do(`vnic create ${vnic} --account=shop --subnet=blue/far`)
      api.do(`vnic plug ${vnic} --account=shop --host=${host}`)
    }
    const inBlue1 = await guest(one!, 'blue1', 'blue1')
    await guest(two!, 'blue2', 'blue2')
    // Nobody has asked yet.
    assert.ok(!one!.ok('export').includes(addressOf('blue2')))
    // A name is found on demand, and so is that of an address.
    const near = one!.host.guestName('blue1')
    inBlue1('ip', 'route', 'add', '169.254.169.253', 'dev', unitOf(inBlue1))
    const dig = (...words: string[]): string =>
      spawnSync('ip', ['netns', 'exec', near, 'dig', '@169.254.169.253', '+tries=1', '+time=5', ...words], { encoding: 'utf8' }).stdout
    await until('the name of a guest that nobody knew', () => dig('+short', 'blue2.internal').trim() === addressOf('blue2'))
    assert.match(one!.ok('export'), new RegExp(`${RegExp.escape(addressOf('blue2'))} blue2`))
    assert.equal(dig('+short', '-x', addressOf('blue2')).trim(), 'blue2.internal.')
    assert.match(dig('blue9.internal'), /status: NXDOMAIN/)
    const inGuest = [one!.host.guestName('blue1'), 'ping', '-c', '1', '-W', '2', addressOf('blue2')]
    const answers = (): boolean => spawnSync('ip', ['netns', 'exec', ...inGuest]).status === 0
    await until('an answer', answers)
    await api.kill()
    await api.start()
    await until('new feeds', () =>
      scene.hosts.every((host) => host.vpc('agent', 'status', '--state-dir', host.agentDir).stdout.includes('connected  to')),
    )
    api.do('vnic create blue3 --account=shop --subnet=blue/far')
    assert.ok(answers())
    // It moves, and brings along what it knows: its new host learns the way from its first frames.
    const { mac } = JSON.parse(api.do('vnic get blue2 --account=shop --json')) as { mac: string }
    api.do('vnic plug blue1 --account=shop --host=h3')
    await guest(three!, 'blue1', 'blue1')
    const moved = three!.host.guestName('blue1')
    spawnSync('ip', ['-n', moved, 'neigh', 'add', addressOf('blue2'), 'lladdr', mac, 'dev', unitOf((...words) => run(moved, ...words))])
    assert.ok(!three!.ok('export').includes(addressOf('blue2')))
    const pings = run(moved, 'ping', '-c', '4', '-i', '0.25', '-W', '1', addressOf('blue2'))
    assert.match(pings, / [1-4] received/)
    for (const [vnic] of made) api.do(`vnic unplug ${vnic} --account=shop`)
  })

  test('hosts are drained, disabled, evacuated and removed by commands, and their agents say so', async () => {
    assert.match(api.do('host list'), /h1 .* ready +2 +1024 +20\S+ +\d.*\n.*h2 .* ready +1 +1024 +20\S+ +\d/)
    assert.match(
      api.refused('host drain h2 --wait --timeout=1'),
      /^vpc: waiting: (1 vnic is still plugged in on host h2: web2)\n.*\1 after 1 s/,
    )
    api.do('vnic plug web2 --account=shop --host=h1')
    assert.match(api.do('host drain h2 --wait'), /nothing is plugged in on host h2/)
    api.do('host undrain h2')
    api.do('vnic plug web2 --account=shop --host=h2')
    api.do('host set h2 --disabled=true')
    await until('the agent is sent away', () => two!.says('has sent this host away'))
    api.do('host set h2 --disabled=false')
    // It asks again after half a minute; a start asks at once.
    await two!.killAgent('SIGTERM')
    const feeds = (): number => two!.agentLog.filter((line) => line.includes('the feed is open')).length
    const before = feeds()
    two!.startAgent({ joined: true })
    await until('the feed of h2', () => feeds() > before)
    assert.match(api.refused('host evacuate h2 --fenced'), /host h2 is connected/)
    // Its guest is not dead: what follows holds for a host that was not fenced, too.
    const left = await guest(two!, 'left', 'web2')
    const tries = (): string => left('sh', '-c', `ping -c 3 -i 0.2 -W 0.5 ${addressOf('web1')} || true`)
    const hears = (): boolean => tries().includes(' bytes from ')
    const hearsNothing = (): boolean => tries().includes(' 100% packet loss')
    await until('an answer', hears)
    await Promise.all([two!.killAgent(), two!.killVpcd()])
    await until('h2 is away', () => /has been away for \d+ s/.test(api.refused('host evacuate h2')))
    assert.match(api.refused('vnic set web2 --account=shop --mtu=1300 --wait --timeout=1s'), /host h2: its agent is not connected/)
    assert.match(api.do('host evacuate h2 --fenced'), /unplugged 1 vnic from host h2/)
    const others = new Set(one!.host.devices())
    api.do('vnic plug web2 --account=shop --host=h1')
    const isNew = (name: string): boolean => name.startsWith('hostif') && !others.has(name)
    const unit = await until('an interface for web2', () => one!.host.devices().find(isNew))
    one!.host.guest('web2', unit, `${addressOf('web2')}/24`)
    const answers = (): boolean =>
      run(one!.host.guestName('web2'), 'ping', '-c', '1', '-W', '1', addressOf('web1')).includes(' 0% packet loss')
    await until('web2 reaches web1 from where it is now', answers)
    await until('h1 takes nothing from h2', hearsNothing)
    api.do('host remove h2')
    await two!.startVpcd()
    two!.startAgent({ joined: true })
    await until('the agent hears that it is not a host', () => two!.says('has been removed from the cloud'))
    assert.ok(hearsNothing())
    await until('web2 reaches web1 still', answers)
  })
})
