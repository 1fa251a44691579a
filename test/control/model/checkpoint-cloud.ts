/** A cloud that changes by chance, and whether a start from a checkpoint gives what reading all of it gives. */
import assert from 'node:assert/strict'
import { Feeds } from '#control/feed/feeds.ts'
import type { Checkpoints } from '#control/model/checkpoints.ts'
import { Mirror } from '#control/model/mirror.ts'
import type { Store } from '#control/store/store.ts'
import { kinds } from '#resource/kinds.ts'
import type { TestApi } from '../test-api.ts'

/** Numbers from 0 to below `most` that follow from a seed. */
export function random(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * most)
  }
}

/** Everything that can be asked of a mirror. */
async function contents(mirror: Mirror, store: Store): Promise<object> {
  const { entries } = await store.range('')
  const { objects } = mirror
  const ids = kinds.flatMap(({ kind }) => [...objects.ids(kind)])
  const names = new Set(ids.flatMap((id) => kinds.flatMap(({ kind }) => objects.get(kind, id)?.record.name ?? [])))
  const sorted = <T>(all: readonly T[]): string[] => all.map((each) => JSON.stringify(each)).sort()
  const accounts = [...objects.ids('account')]
  const feeds = new Feeds(mirror)
  feeds.stop()
  const { places } = feeds
  const hosts = [...objects.ids('host')]
  return {
    objects: kinds.map(({ kind }) => [kind, objects.count(kind), Array.from(objects.ids(kind), (id) => objects.get(kind, id))]),
    revisions: kinds.map(({ kind }) => ids.map((id) => objects.modifiedOf(kind, id))),
    owned: accounts.map((id) => kinds.map(({ kind }) => [objects.count(kind, id), [...objects.ids(kind, id)]])),
    pages: kinds.map(({ kind }) =>
      ids.map((id) => [objects.idsFrom(kind, id), objects.ids(kind, undefined, id)].map((all) => [...all][0])),
    ),
    users: ids.map((id) => [sorted(objects.usersOf(id)), sorted(objects.usersOf(id, 'vnic')), objects.usersOf(id, 'x').length]),
    named: Array.from(names, (name) => kinds.map(({ kind }) => sorted(objects.named(kind, name)))),
    nobody: [objects.named('vnic', 'nobody'), objects.get('vnic', 'nobody'), [...objects.ids('vnic', 'nobody')], [...objects.ids('x')]],
    names: entries.map(({ key }) => mirror.nameHolder(key)),
    claims: entries.map(({ key, value }) => (value.startsWith('{') ? [mirror.claim(key), mirror.gone(key)] : [])),
    excepted: [...mirror.excepted].sort(),
    hosts: hosts.map((id) => [sorted([...places.vpcsOf(id)]), sorted([...places.groupsOf(id)])]),
    vpcs: [...objects.ids('vpc')].map((id) => [sorted([...places.hostsOf(id)]), feeds.view().resolutions.isDemand(id)]),
    labelled: [...objects.ids('vpc')].flatMap((id) => ['web', 'db', 'nobody'].map((name) => sorted(feeds.named(id, name)))),
  }
}

/**
 * Start with a checkpoint and without: both have the same, and the store says so, too. Gives whether it was used.
 * `isShared`: others write beside the keys of the store, so revisions rise by themselves.
 */
export async function startsAlike(api: TestApi, checkpoints: Checkpoints, { isShared = false } = {}): Promise<boolean> {
  let isRead = false
  const store = new Proxy(api.store, {
    get(target, name) {
      if (name === 'snapshot') isRead = true
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const [short, whole] = [await Mirror.start(store, checkpoints), await Mirror.start(api.store)]
  try {
    if (!isShared) assert.equal(short.revision, whole.revision)
    assert.deepEqual(await contents(short, api.store), await contents(whole, api.store))
    assert.deepEqual(await short.compare({ pauseMs: 0, chunk: 50 }), [])
    return !isRead
  } finally {
    short.stop()
    whole.stop()
  }
}

/** A cloud that changes by chance. */
export class Cloud {
  readonly #pick: (most: number) => number
  readonly #api: TestApi
  #hosts: string[] = []
  #subnets: string[] = []
  #groups: string[] = []
  readonly #vnics: string[] = []
  #n = 0

  constructor(api: TestApi, seed: number) {
    this.#api = api
    this.#pick = random(seed)
  }

  async make(): Promise<void> {
    const { ok } = { ok: this.#api.ok.bind(this.#api) }
    await ok('POST', '/regions', { name: 'north' })
    await ok('POST', '/facilities', { name: 'f1', region: 'north' })
    await ok('POST', '/orgs', { name: 'acme' })
    for (const account of ['shop', 'bank']) {
      await ok('POST', '/accounts', { name: account, org: 'acme' })
      for (const name of ['a', 'b']) {
        await ok('POST', '/vpcs', { name, account })
        this.#subnets.push((await ok('POST', '/subnets', { name: 'web', vpc: `${account}/${name}`, network4: '10.0.0.0/16' })).id)
      }
      this.#groups.push((await ok('POST', '/groups', { name: 'crowd', account, rules: [] })).id)
    }
    for (let i = 0; i < 4; i++) {
      const host = { name: `h${i}`, facility: 'f1', capacity: 65_536, underlay: [{ address: `100.64.0.${i + 1}` }] }
      this.#hosts.push((await ok('POST', '/hosts', host)).id)
    }
  }

  #one<T>(all: readonly T[]): T {
    return all[this.#pick(all.length)]!
  }

  async change(): Promise<void> {
    const id = this.#one(this.#vnics)
    const ask = (method: string, path: string, body?: unknown): Promise<unknown> =>
      this.#api.ask(this.#api.admin, method, path, body, { 'if-match': '*' })
    switch (id === undefined ? 0 : this.#pick(8)) {
      case 0:
      case 1: {
        const n = this.#pick(4)
        const names = [{}, { name: `n${this.#n++}` }, { description: 'größer – 大' }, { labels: { tier: `"${this.#hosts[0]}"` } }]
        const body = { account: n < 2 ? 'shop' : 'bank', subnet: this.#subnets[n], ...this.#one(names) }
        const hostname = this.#pick(4) === 0 ? { dhcpHostname: this.#one(['web', 'db']) } : {}
        const made = await this.#api.ok('POST', '/vnics', { ...body, groups: this.#pick(2) ? [this.#groups[n >> 1]] : [], ...hostname })
        return void this.#vnics.push(made.id)
      }
      case 2:
      case 3:
        return void (await ask('PUT', `/vnics/${id}/binding`, { host: this.#one(this.#hosts) }))
      case 4:
        return void (await ask('PATCH', `/vnics/${id}`, { groups: [], description: 'ß' }))
      case 5:
        return void (await ask('DELETE', `/vnics/${id}/binding`))
      case 6:
        await ask('DELETE', `/vnics/${id}/binding`)
        return void (await ask('DELETE', `/vnics/${id}`))
      case 7:
        return void (await ask('POST', '/vms', { account: 'shop', vnics: [id], name: `vm${this.#n++}` }))
    }
  }
}
