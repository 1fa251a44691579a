/** Changes that wait for hosts, states of vnics, what is written down of troubles, silence. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Exceptions } from '#control/feed/exceptions.ts'
import type { Sink } from '#control/feed/host-feed.ts'
import { parseReport } from '#control/feed/report.ts'
import { Silence } from '#control/feed/silence.ts'
import type { FeedMessage, ItemError } from '#feed/message.ts'
import { HostStatuses } from '#control/model/host-status.ts'
import { hereKey } from '#control/model/keys.ts'
import { put, type Store } from '#control/store/store.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
let exceptions: Exceptions
const ids: Record<string, string> = {}

/** A host that acknowledges what it hears, unless it is told to be silent. */
class Host implements Sink {
  readonly id: string
  errors: ItemError[] = []
  isSilent = false
  constructor(id: string) {
    this.id = id
  }
  write(line: string): boolean {
    const message = JSON.parse(line)
    if (message.type === 'sync' && !this.isSilent) setImmediate(() => this.report(message.revision))
    return true
  }
  report(revision: string): void {
    api.model.mirror.hosts.report(this.id, { revision, errors: this.errors, agent: { version: '1', feed: 1 } }, Date.now())
    exceptions.note(this.id)
  }
  drained = async (): Promise<void> => {}
  end(): void {}
}
const hosts: Record<string, Host> = {}

before(async () => {
  api = await TestApi.start()
  exceptions = new Exceptions(api.model.mirror, api.store)
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  for (const i of [1, 2, 3]) {
    const { id } = await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', underlay: [{ address: `192.0.2.${i}` }] })
    ids[`h${i}`] = id
    hosts[`h${i}`] = new Host(id)
  }
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/groups', { name: 'app', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  for (const name of ['a', 'b', 'c']) ids[name] = (await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })).id
  for (const name of ['h1', 'h2']) api.feeds.open(ids[name]!, undefined, hosts[name]!)
})
after(async () => {
  exceptions.stop()
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  return api[Symbol.asyncDispose]()
})

const ask = (method: string, path: string, body?: unknown) =>
  api.ask(api.admin, method, path, body, method === 'PATCH' ? { 'if-match': '*' } : {})
/** The key of a trouble in the store. */
const written = async (vnic: string): Promise<any> => {
  const [entry] = (await api.store.get([`x/vnic/${ids[vnic]}`])).entries
  return entry === undefined ? undefined : JSON.parse(entry.value)
}
async function until(what: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await what());) {
    assert.ok(Date.now() < end, String(what))
    await sleep(10)
  }
}

test('a binding waits for its host, and for those that must know', async () => {
  const first = await ask('PUT', '/vnics/a/binding?wait=ready&timeout=10s', { host: 'h1' })
  assert.deepEqual([first.status, first.body.state, first.body.late], [200, 'ready', undefined])
  assert.ok(first.headers.get('etag') !== null && first.headers.get('vpc-request') !== null)
  hosts.h1!.isSilent = true
  const second = await ask('PUT', '/vnics/b/binding?wait=ready&timeout=1s', { host: 'h2' })
  assert.equal(second.status, 202)
  // Host h2 is done; h1 has a vnic of the vpc, so it must know where b is; h3 has nothing of it.
  assert.deepEqual(second.body.late, [{ host: ids.h1, acked: second.body.late[0].acked, error: null }])
  assert.deepEqual([second.body.state, (await api.ok('GET', '/vnics/b')).state], ['ready', 'ready'])
  hosts.h1!.isSilent = false
  // It is so already, and h1 has not said that it does it.
  assert.equal((await ask('PUT', '/vnics/b/binding?wait=ready&timeout=50ms', { host: 'h2' })).status, 202)
  hosts.h1!.report(String(api.model.mirror.revision))
  assert.equal((await ask('PUT', '/vnics/b/binding?wait=ready&timeout=10s', { host: 'h2' })).status, 200)
})

test('a host that is not connected is late, and said to be so', async () => {
  const answer = await ask('PUT', '/vnics/c/binding?wait=ready&timeout=50ms', { host: 'h3' })
  assert.equal(answer.status, 202)
  assert.equal(answer.body.late.find(({ host }: any) => host === ids.h3)?.error?.code, 'not-connected')
  assert.equal(answer.body.state, 'binding')
  // It comes while somebody waits.
  const waits = ask('PATCH', '/vnics/c?wait=ready&timeout=10s', { mtu: 1400 })
  await until(async () => (await api.ok('GET', '/vnics/c')).mtu === 1400)
  api.feeds.open(ids.h3!, undefined, hosts.h3!)
  assert.deepEqual([(await waits).status, (await waits).body.state], [200, 'ready'])
})

test('nobody waits for a host that was evacuated and is away', async () => {
  const { id } = await api.ok('POST', '/hosts', { name: 'h5', facility: 'f1', underlay: [{ address: '192.0.2.5' }] })
  for (const name of ['guest', 'other']) {
    await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
    await api.ok('PUT', `/vnics/${name}/binding`, { host: 'h5' })
  }
  const wait = async (method: string, path: string, ms: number, body?: object): Promise<[status: number, late: string[]]> => {
    const { status, body: said } = await ask(method, `${path}?wait=ready&timeout=${ms}ms`, body)
    return [status, (said?.late ?? []).map(({ host }: any) => host)]
  }
  /** Others may be late, too, when the machine has much to do. */
  const isLate = async (method: string, path: string, body: object): Promise<boolean> =>
    (await wait(method, path, 50, body))[1].includes(id)
  // For a while it sends frames on for the vnic that has left it.
  assert.ok(await isLate('PUT', '/vnics/guest/binding', { host: 'h1' }))
  assert.ok(await isLate('PATCH', '/vnics/guest', { mtu: 1300 }))
  assert.deepEqual(await wait('POST', '/hosts/h5/evacuate', 20_000, { fenced: true }), [200, []])
  assert.deepEqual(await wait('PATCH', '/vnics/guest', 20_000, { mtu: 1400 }), [200, []])
  // One that is emptied and there is waited for.
  const feed = api.feeds.open(id, undefined, { write: () => true, drained: async () => {}, end: () => {} })
  assert.ok(await isLate('PATCH', '/vnics/guest', { mtu: 1300 }))
  api.feeds.gone(feed)
  assert.deepEqual(await wait('DELETE', '/vnics/guest/binding', 20_000), [200, []])
  assert.deepEqual(await wait('DELETE', '/vnics/guest', 20_000), [204, []])
  assert.deepEqual(await wait('DELETE', '/vnics/other', 20_000), [204, []])
})

test('a group, a removal and a creation wait for the hosts that they concern, and no others', async () => {
  hosts.h3!.isSilent = true
  // Of the group nobody has a vnic.
  assert.equal((await ask('PATCH', '/groups/app?wait=ready&timeout=5s', { rules: [{ direction: 'in', protocol: 'tcp' }] })).status, 200)
  assert.equal((await ask('PATCH', '/vnics/a?wait=ready&timeout=50ms', { groups: ['app'] })).status, 202)
  assert.equal((await ask('PATCH', '/groups/app?wait=ready&timeout=5s', { rules: [] })).status, 200)
  // A vnic that is plugged in nowhere concerns nobody.
  assert.equal((await ask('POST', '/vnics?wait=ready&timeout=5s', { name: 'd', account: 'shop', subnet: 'web' })).status, 201)
  const gone = await ask('DELETE', '/vnics/d?wait=ready&timeout=5s')
  assert.deepEqual([gone.status, gone.body], [204, undefined])
  const out = await ask('DELETE', '/vnics/b/binding?wait=ready&timeout=1500ms')
  assert.deepEqual([out.status, out.body.late.map(({ host }: any) => host), out.body.state], [202, [ids.h3], 'unplugged'])
  hosts.h3!.isSilent = false
  hosts.h3!.report(String(api.model.mirror.revision))
})

test('what fails on a host is told to who waits, shown, and written down once', async () => {
  const error = { kind: 'vnic', id: ids.a!, code: 'no-room', text: 'the table is full', since: '2026-11-29T00:00:00Z', tries: 1 } as const
  const foreign = { ...error, id: ids.c! }
  hosts.h1!.errors = [error, foreign]
  const answer = await ask('PATCH', '/vnics/a?wait=ready&timeout=10s', { mtu: 1300 })
  assert.equal(answer.status, 202)
  assert.deepEqual(
    answer.body.late.map((each: any) => [each.host, each.error]),
    [[ids.h1, { code: 'no-room', text: 'the table is full' }]],
  )
  const shown = await api.ok('GET', '/vnics/a')
  assert.deepEqual([shown.state, shown.problem], ['degraded', { code: 'no-room', text: 'the table is full', since: error.since }])
  await until(async () => (await written('a'))?.code === 'no-room')
  // A host has no say in what is another's.
  assert.deepEqual([(await api.ok('GET', '/vnics/c')).state, await written('c')], ['ready', undefined])
  const { revision } = await api.store.get([])
  for (let i = 0; i < 5; i++) hosts.h1!.report(String(api.model.mirror.revision))
  assert.equal((await api.store.get([])).revision, revision)
  // An API that starts now has heard nothing of the host yet.
  assert.equal(api.model.mirror.exceptionOf(ids.a!)?.code, 'no-room')
  hosts.h1!.errors = []
  hosts.h1!.report(String(api.model.mirror.revision))
  assert.equal((await api.ok('GET', '/vnics/a')).state, 'ready')
  await until(async () => (await written('a')) === undefined)
})

test('a trouble ends with the place where it was', async () => {
  hosts.h1!.errors = [{ kind: 'vnic', id: ids.a!, code: 'failed', text: 'x', since: '', tries: 1 }]
  hosts.h1!.report(String(api.model.mirror.revision))
  await until(async () => (await written('a')) !== undefined)
  await api.ok('PUT', '/vnics/a/binding', { host: 'h2' })
  assert.equal(await written('a'), undefined)
  assert.notEqual((await api.ok('GET', '/vnics/a')).state, 'degraded')
})

test('a host that is connected to another API answers there, and its vnics are ready here, too', async () => {
  const { id } = await api.ok('POST', '/hosts', { name: 'h4', facility: 'f1', underlay: [{ address: '192.0.2.4' }] })
  await api.ok('POST', '/vnics', { name: 'far', account: 'shop', subnet: 'web' })
  const other = await TestApi.start({ directory: api.directory, store: api.store })
  try {
    // The host has its feed at the other API, which says so in the store.
    let errors: ItemError[] = []
    const report = (revision: string): void =>
      other.model.mirror.hosts.report(id, { revision, errors, agent: { version: '1', feed: 1 } }, Date.now())
    const hear = (line: string): void => {
      const message = JSON.parse(line)
      if (message.type === 'sync') setImmediate(() => report(message.revision))
    }
    other.feeds.open(id, undefined, { write: (line) => (hear(line), true), drained: async () => {}, end: () => {} })
    const here = { api: 'other', since: new Date(Date.now() - 60_000).toISOString() }
    await api.store.commit({ if: [], write: [put(hereKey(id), JSON.stringify(here))] })
    await api.model.mirror.fresh()
    const answer = await ask('PUT', '/vnics/far/binding?wait=ready&timeout=10s', { host: 'h4' })
    assert.deepEqual([answer.status, answer.body.late], [200, undefined])
    errors = [{ kind: 'vnic', id: answer.body.id, code: 'failed', text: 'no', since: '', tries: 1 }]
    const failing = await ask('PATCH', '/vnics/far?wait=ready&timeout=10s', { mtu: 1400 })
    const { acked } = failing.body.late[0]
    assert.deepEqual([failing.status, failing.body.late], [202, [{ host: id, acked, error: { code: 'failed', text: 'no' } }]])
    assert.deepEqual((await api.store.range('ask/')).entries, [])
    await until(async () => (await api.ok('GET', '/vnics/far')).state === 'ready')
  } finally {
    other.inquiries.stop()
    other.feeds.stop()
    other.model.stop()
  }
})

test('what is not a wait is refused before anything is done', async () => {
  for (const query of ['wait=done', 'timeout=5s', 'wait=ready&timeout=1h', 'wait=ready&timeout=6m', 'wait=ready&timeout=x']) {
    const answer = await ask('POST', `/vnics?${query}`, { name: 'e', account: 'shop', subnet: 'web' })
    assert.equal(answer.status, 400, query)
  }
  assert.equal((await ask('GET', '/vnics/a?wait=ready')).status, 400)
  assert.equal((await ask('GET', '/vnics/e')).status, 404)
  assert.equal((await ask('POST', '/vnics?wait=ready&dry-run', { name: 'e', account: 'shop', subnet: 'web' })).status, 200)
})

test('a host that answers no ping is cut, unless nobody could have heard it', () => {
  const [statuses, host, clock] = [new HostStatuses(), 'h', { now: 0, wall: Date.now(), isTold: true, cuts: 0 }]
  statuses.elapsed = () => clock.now
  const begin = (): Silence =>
    new Silence({
      status: () => statuses.get(host),
      isTold: () => clock.isTold,
      elapsed: () => clock.now,
      cut: () => void clock.cuts++,
    })
  let silence = begin()
  const pass = (ms: number): number => {
    for (let left = ms; left > 0; left -= 5_000) {
      clock.now += 5_000
      clock.wall += 5_000
      silence.look()
    }
    return clock.cuts
  }
  const report = (more: object): void =>
    statuses.report(host, parseReport({ revision: '1', errors: [], agent: { version: '1', feed: 1 }, ...more }), clock.wall)
  assert.equal(pass(60_000), 0, 'it has not said that it answers')
  report({})
  assert.equal(pass(60_000), 0, 'an agent of before')
  report({ answersPings: true })
  assert.equal(pass(20_000), 0)
  report({ answersPings: true })
  assert.equal(pass(20_000), 0)
  clock.isTold = false
  assert.equal(pass(60_000), 0, 'it is still being told')
  clock.isTold = true
  clock.now += 60_000
  silence.look()
  assert.equal(clock.cuts, 0, 'this process stood still')
  assert.equal(pass(20_000), 0)
  assert.equal(pass(5_000), 1)
  silence.end()
  clock.now += 1_000
  silence = begin()
  assert.equal(pass(60_000), 1, 'its agent began anew, and waits for vpcd: it has nothing to answer with')
  report({ answersPings: true })
  assert.equal(pass(20_000), 1)
  assert.equal(pass(5_000), 2)
  // People's clock jumps: a host that answers stays, also one that was heard for hours, and silence is heard as ever.
  for (const jump of [-1_000, -86_400_000, 86_400_000]) {
    report({ answersPings: true })
    const cuts: number = clock.cuts
    for (let i = 0; i < 10; i++) {
      report({ answersPings: true })
      if (i === 8) clock.wall += jump
      assert.equal(pass(5_000), cuts, `it answers, and the clock jumps by ${jump} ms`)
    }
    assert.deepEqual([pass(15_000), pass(5_000)], [cuts, cuts + 1], 'it hears that silence, too')
  }
  silence.end()
})

test('what a host has said is current until it has its feed elsewhere, whatever the clocks of both APIs say', () => {
  for (const jump of [-86_400_000, 0, 86_400_000]) {
    const [statuses, clock] = [new HostStatuses(), { now: 0 }]
    statuses.elapsed = () => clock.now
    statuses.api = 'here'
    const since = new Date(Date.now() + jump).toISOString()
    const report = (): void =>
      statuses.report('h', parseReport({ revision: '1', errors: [], agent: { version: '1', feed: 1 } }), Date.now())
    statuses.came('old', { api: 'other', since })
    statuses.loaded()
    clock.now += 10
    report()
    assert.ok(statuses.current('h'))
    clock.now += 10
    statuses.came('h', { api: 'other', since })
    assert.deepEqual([statuses.current('h'), statuses.isThereFor('h', 3_000), statuses.isThereFor('old', 3_000)], [undefined, false, true])
    clock.now += 3_001
    assert.deepEqual([statuses.current('h'), statuses.isThereFor('h', 3_000)], [undefined, true])
    // It has come back, and the store does not say so yet.
    report()
    assert.ok(statuses.current('h'))
  }
})

test('what the mirror had missed reaches hosts that have its revision', async () => {
  let isHidden = false
  const hiding = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name !== 'watch') return typeof value === 'function' ? value.bind(target) : value
        return async function* (...given: Parameters<Store['watch']>) {
          for await (const item of target.watch(...given))
            yield isHidden && item.kind === 'changes' ? { kind: 'progress', revision: item.revision } : item
        }
      },
    })
  await using own = await TestApi.start({ wrap: hiding })
  await own.ok('POST', '/regions', { name: 'north' })
  await own.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  const { id } = await own.ok('POST', '/hosts', { name: 'h1', facility: 'f1', underlay: [{ address: '192.0.2.1' }] })
  const told = async (revision?: number): Promise<FeedMessage[]> => {
    const messages: FeedMessage[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const write = (line: string): boolean => {
      const message = JSON.parse(line) as FeedMessage
      messages.push(message)
      if (message.type === 'sync') resolve()
      return true
    }
    own.feeds.open(id, revision, { write, drained: () => Promise.resolve(), end: () => {} })
    own.feeds.ping()
    await promise
    return messages
  }
  isHidden = true
  await own.ok('PATCH', '/facilities/f1', { dnsServers: ['192.0.2.53'] }, { 'if-match': '*' })
  isHidden = false
  const first = (await told()).at(-1)
  assert.ok(first?.type === 'sync')
  assert.ok((await own.model.mirror.compare({ pauseMs: 1 })).length > 0)
  const then = await told(Number(first.revision))
  assert.deepEqual(
    then.flatMap((message) => (message.type === 'put' && message.item.kind === 'host' ? [message.item.dnsServers] : [])),
    [['192.0.2.53']],
  )
})
