/** The agent with real vpcds: hosts do what the feed says, and go on whoever of agent, vpcd and API is gone. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual, promisify } from 'node:util'
import { assertNothingLost, countDuring } from '../recovery/counted-traffic.ts'
import { unitId } from '#agent/compile/ids.ts'
import type { StationItem } from '#feed/item.ts'
import { hostId, itemsOf, stationItem, subnet, uuid, vnicItem, vpc } from './cloud.ts'
import { Scene, until, type AgentHost } from './scene.ts'

suite('two hosts', () => {
  let scene: Scene
  let [one, two]: AgentHost[] = []
  let ping: (...args: string[]) => string

  before(async () => {
    scene = await Scene.start(2)
    ;[one, two] = scene.hosts
    const revision = scene.api.tell({ [one!.id]: itemsOf(1), [two!.id]: itemsOf(2) })
    for (const host of scene.hosts) host.startAgent()
    await scene.done(revision)
  })
  after(() => scene[Symbol.asyncDispose]())

  test('guests talk by what the feed says alone, and the agents have no privilege', () => {
    for (const host of scene.hosts) {
      assert.deepEqual(host.report!.errors, [])
      assert.equal(host.units().size, 1)
      const status = readFileSync(`/proc/${host.agentPid}/status`, 'utf8')
      assert.match(status, /^Uid:\t65534\t65534\t65534/m)
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) assert.match(status, new RegExp(`^Cap${set}:\\t0+$`, 'm'))
    }
    ping = one!.guest(10)
    two!.guest(20)
    assert.match(ping('ping', '-c', '3', '-i', '0.1', '-W', '2', '10.0.0.20'), / 0% packet loss/)
  })

  test('each answers a ping with its report', async () => {
    const { api } = scene
    for (const host of [one!, two!]) api.reports.delete(host.id)
    api.ping()
    await until('both have answered', () => [one!, two!].every(({ id }) => api.reports.get(id)?.answersPings === true))
  })

  test('guests of one host find each other', async () => {
    await scene.done(scene.api.tell({ [one!.id]: [vnicItem(16)] }), [one!])
    one!.guest(16)
    assert.match(ping('ping', '-c', '1', '-W', '2', '10.0.0.16'), / 0% packet loss/)
    await scene.done(scene.api.tell({ [one!.id]: [{ gone: vnicItem(16) }] }), [one!])
  })

  test('a bad vnic does not stop others; its error says why, until it is mended', async () => {
    const bad = vnicItem(11, { mac: vnicItem(10).mac })
    const good = vnicItem(12)
    await scene.done(scene.api.tell({ [one!.id]: [bad, good] }), [one!])
    const { errors } = one!.report!
    // A try that is under way may have made the other one, and takes it back.
    const wanted = new Set([vnicItem(10), good].map(unitId))
    await until('the good ones alone have interfaces', () => isDeepStrictEqual(new Set(one!.units().keys()), wanted))
    assert.deepEqual(
      errors.map(({ kind, id, code }) => [kind, id, code]),
      [['vnic', bad.id, 'conflict']],
    )
    assert.match(errors[0]!.text, /02:00:00:00:00:0a/)
    assert.ok(Math.abs(Date.parse(errors[0]!.since) - Date.now()) < 60_000)
    await until('another try', () => one!.report!.errors[0]!.tries > 1)
    const { stdout } = one!.vpc('agent', 'status', '--state-dir', one!.agentDir)
    assert.match(stdout, new RegExp(`connected +to .*\\n(.*\\n)*.*vnic .*${bad.id} .*conflict`))
    await scene.done(scene.api.tell({ [one!.id]: [vnicItem(11)] }), [one!])
    assert.deepEqual([one!.report!.errors, one!.units().size], [[], 3])
  })

  test('a vnic whose change is refused stays as it was; one that goes takes its interface along', async () => {
    const refused = vnicItem(12, { mac: vnicItem(10).mac, addresses: ['10.0.0.112'] })
    const revision = scene.api.tell({ [one!.id]: [refused, { gone: vnicItem(11) }, vnicItem(13)] })
    await scene.done(revision, [one!])
    assert.deepEqual(
      one!.report!.errors.map(({ id }) => id),
      [refused.id],
    )
    const has = (): boolean[] => {
      const ports = one!.ok('switch', 'port', 'list', '--json')
      return ['10.0.0.11"', '10.0.0.12"', '10.0.0.13"', '10.0.0.112"'].map((text) => ports.includes(text))
    }
    assert.deepEqual(has(), [false, true, true, false])
    // The next agent knows, too.
    await one!.killAgent('SIGTERM')
    one!.startAgent()
    await scene.done(scene.api.tell({ [one!.id]: [vnicItem(15)] }), [one!])
    assert.deepEqual([one!.report!.errors.length, has()], [1, [false, true, true, false]])
    await scene.done(scene.api.tell({ [one!.id]: [12, 13, 15].map((n) => ({ gone: vnicItem(n) })) }), [one!])
    assert.deepEqual([one!.report!.errors, one!.units().size], [[], 1])
    assert.deepEqual(
      one!.host.devices().filter((name) => name.startsWith('hostif')),
      [],
    )
  })

  test('agent, vpcd and API are killed under traffic, each and all at once: nothing is lost', async () => {
    const [from, to] = [one!.host.guestName('g10'), two!.host.guestName('g20')]
    const count = await countDuring(from, to, '10.0.0.20', async () => {
      await one!.killAgent()
      one!.startAgent()
      await two!.killVpcd()
      await two!.startVpcd()
      await scene.api.stop()
      await Promise.all(scene.hosts.map((host) => host.killAgent()))
      await Promise.all(scene.hosts.map((host) => host.killVpcd()))
      // One agent has lost its cache: what vpcd has stays until the API has said everything.
      two!.loseCache()
      await Promise.all(scene.hosts.map((host) => host.startVpcd()))
      for (const host of scene.hosts) host.startAgent()
      await until('the agents miss the API', () => scene.hosts.every((host) => host.says('cannot open the feed')))
      await scene.api.start()
      await scene.done(scene.api.tell({ [one!.id]: [vnicItem(14)] }))
    })
    assertNothingLost(count)
    assert.equal(one!.units().size, 2)
  })

  test('an API that does not know the version is told of, and the host keeps what it has', async () => {
    await one!.killAgent('SIGTERM')
    scene.api.refuse = 426
    one!.startAgent()
    await until('the refusal', () => one!.says('update the API'))
    const { stdout } = one!.vpc('agent', 'status', '--state-dir', one!.agentDir)
    assert.match(stdout, /connected +no, since .*does not speak version 1; this host keeps what it has/)
    assert.match(ping('ping', '-c', '1', '-W', '2', '10.0.0.20'), / 0% packet loss/)
    scene.api.refuse = undefined
    assert.equal(await one!.killAgent('SIGTERM'), 0)
    assert.match(one!.vpc('agent', 'status', '--state-dir', one!.agentDir).stderr, /no agent runs with/)
    one!.startAgent()
  })

  test('a host that boots without the API, and without its journal, comes back from its cache', async () => {
    await scene.api.stop()
    const again = await scene.reboot(two!)
    again.startAgent()
    const unit = await until('the interface of the vnic', () => again.host.devices().find((name) => name.startsWith('hostif')))
    again.host.guest('g20', unit, '10.0.0.20/24')
    await until('an answer', () => ping('sh', '-c', 'ping -c 1 -W 1 10.0.0.20 || true').includes(' 0% packet loss'))
    // What the cloud has changed meanwhile it cannot know: no machine starts by itself.
    const follows = (): boolean => JSON.parse(again.ok('agent', 'status', '--state-dir', again.agentDir, '--json')).follows
    assert.equal(follows(), false)
    await scene.api.start()
    await scene.done(scene.api.tell({}), [again])
    await until('the agent says so', follows)
    assert.deepEqual(again.report!.errors, [])
    assert.match(scene.api.asked.at(-1)!, /revision=\d+/)
  })

  test('a station of a large vpc is asked for when a guest wants it, by ARP, by a route, and once', async () => {
    const large = { ...vpc, resolution: 'demand', hosts: [hostId(2)] } as const
    const back = { ...subnet, id: uuid(6), vni: 5002, network4: '10.2.0.0/24', gateway4: '10.2.0.1' }
    const router = { kind: 'router', id: uuid(7), vpc: vpc.id, subnets: [subnet.id, back.id], enabled: true } as const
    const far = vnicItem(30, { subnet: back.id, addresses: ['10.2.0.30'] })
    const [near, behind] = [stationItem(vnicItem(20), hostId(2)), stationItem(far, hostId(2))]
    const revision = scene.api.tell({
      [one!.id]: [large, back, router, { gone: near }],
      [hostId(2)]: [back, router, far],
    })
    await scene.done(revision)
    scene.api.onLookup = (host, { addresses, macs = [] }) => {
      const found = [near, behind].filter(
        ({ mac, addresses: own }) => macs.includes(mac) || own.some((address) => addresses.includes(address)),
      )
      if (found.length > 0) scene.api.tell({ [host]: found })
    }
    // The API of this test answers only while nothing holds its process.
    const inGuest = async (line: string): Promise<string> => {
      const words = ['netns', 'exec', one!.host.guestName('g10'), 'sh', '-c', `${line} || true`]
      return (await promisify(execFile)('ip', words)).stdout
    }
    await inGuest('ip neigh flush all')
    assert.match(await inGuest('ping -c 3 -i 0.2 -W 3 10.0.0.20'), / 0% packet loss/)
    assert.deepEqual(scene.api.lookups, [{ vpc: vpc.id, addresses: ['10.0.0.20'] }])
    await inGuest('ip route add default via 10.0.0.1')
    const unit = await until('the interface', () => scene.hosts[1]!.host.devices().find((name) => name.startsWith('hostif')))
    scene.hosts[1]!.host.guest('g30', unit, '10.2.0.30/24')('ip', 'route', 'add', 'default', 'via', '10.2.0.1')
    await until('an answer', async () => (await inGuest('ping -c 1 -W 1 10.2.0.30')).includes(' 0% packet loss'))
    assert.deepEqual(scene.api.lookups.at(-1), { vpc: vpc.id, addresses: ['10.2.0.30'] })
    await inGuest('ping -c 2 -i 0.2 -W 1 10.0.0.99')
    assert.equal(scene.api.lookups.filter(({ addresses }) => addresses.includes('10.0.0.99')).length, 1)
    // A guest that has come from another host asks no question: it knows the MAC, and sends others' packets to it.
    const device = /dev (\S+)/.exec(await inGuest('ip route get 10.0.0.20'))![1]
    await scene.done(scene.api.tell({ [one!.id]: [{ gone: near }] }), [one!])
    await inGuest(`ip neigh replace 10.0.0.20 lladdr ${near.mac} dev ${device} nud permanent`)
    await inGuest('ip route add 198.51.100.7 via 10.0.0.20; ping -c 1 -W 1 198.51.100.7')
    assert.deepEqual(scene.api.lookups.at(-1), { vpc: vpc.id, addresses: ['198.51.100.7'], macs: [near.mac] })
    assert.match(await inGuest('ping -c 1 -W 1 10.0.0.20'), / 0% packet loss/)
    // Another API has forgotten who asked for what.
    await one!.killAgent()
    one!.startAgent()
    const claim = { vpc: vpc.id, addresses: [], vnics: [near.id, behind.id] }
    await until('what it has', () => scene.api.lookups.some((lookup) => isDeepStrictEqual(lookup, claim)))
  })

  test('10 000 stations fit into 96 MiB, and one more comes soon', async () => {
    const stations = Array.from({ length: 10_000 }, (_, i) => many(i))
    await scene.done(scene.api.tell({ [one!.id]: stations }), [one!], 60)
    const begun = performance.now()
    await scene.done(scene.api.tell({ [one!.id]: [many(10_000)] }), [one!])
    assert.ok(performance.now() - begun < 10_000, `${performance.now() - begun} ms`)
    assert.deepEqual(one!.report!.errors, [])
    const [, kib] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one!.agentPid}/status`, 'utf8'))!
    assert.ok(Number(kib) < 96 * 1024, `${kib} KiB`)
  })
})

/** Of many stations, one in a network of its own. */
function many(i: number): StationItem {
  const [high, low] = [(i >> 8).toString(16).padStart(2, '0'), (i & 255).toString(16).padStart(2, '0')]
  const vnic = vnicItem(0, { id: uuid(10_000 + i), mac: `02:00:00:01:${high}:${low}`, addresses: [`10.1.${i >> 8}.${i & 255}`] })
  return stationItem(vnic, hostId(2))
}
