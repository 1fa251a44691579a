/** Vnics of containers that are gone, removed while somebody wants one again, or by who cannot know. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { readContexts, writeContexts, type Contexts } from '#cli/cloud/contexts.ts'
import { finish } from '#cni/finish.ts'
import { readConfig, type NetworkConfig } from '#cni/invocation.ts'
import { del } from '#cni/del.ts'
import { forget, note, noteAttached, noted } from '#cni/unfinished.ts'
import { vnicNameOf } from '#cni/vnic-of.ts'
import { finishAll } from '#oci/hook.ts'
import { TestApi } from '../test-api.ts'

let directory: string
let api: TestApi
/** Called before an answer to GET is given. */
let onRead: () => void = () => {}
let served: Served

interface Served extends AsyncDisposable {
  readonly url: string
}

async function serve(of: () => TestApi): Promise<Served> {
  const server = createServer(async (request, response) => {
    const { method, url } = request
    const body = await text(request)
    const answer = await of().request(of().admin, method!, url!, body === '' ? undefined : body)
    if (method === 'GET') onRead()
    response.writeHead(answer.status, { etag: answer.headers.get('etag') ?? '' })
    response.end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-leftovers-'))
  api = await TestApi.start()
  writeFileSync(join(directory, 'token'), api.admin)
  served = await serve(() => api)
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
})
after(async () => {
  await served[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const placesOf = (): object => ({
  server: served.url,
  tokenFile: join(directory, 'token'),
  stateDir: join(directory, 'cni'),
})
const configOf = (name: string, more: object = {}): NetworkConfig =>
  readConfig(JSON.stringify({ cniVersion: '1.1.0', name, subnet: 'red/web', ...placesOf(), ...more }))
const makeVnic = (name: string): Promise<unknown> => api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
const isThere = async (name: string): Promise<boolean> => (await api.request(api.admin, 'GET', `/v1/vnics/${name}`)).status === 200

test('a vnic that a container wants again stays, also when its removal has begun', async () => {
  const config = configOf('red')
  for (const name of ['cni-again', 'cni-gone']) {
    await makeVnic(name)
    note(config, name)
  }
  // What ADD does first.
  onRead = () => forget(config.stateDir, config.name, 'cni-again')
  try {
    assert.deepEqual(await finish(config), { left: [], elsewhere: [] })
  } finally {
    onRead = () => {}
  }
  assert.deepEqual([await isThere('cni-again'), await isThere('cni-gone')], [true, false])
  assert.deepEqual(noted(config.stateDir, config.name), [])
})

test('a vnic of another cloud stays noted when this one does not know it, and this is no failure', async () => {
  const hostFile = join(directory, 'containers.json')
  writeFileSync(hostFile, JSON.stringify(placesOf()))
  const other = configOf('pods', { server: 'https://other.example:7473' })
  note(other, 'cni-elsewhere')
  note(configOf('oci'), 'cni-here')
  await makeVnic('cni-here')
  assert.match((await finishAll(hostFile))!, /^1 vnics stay .*: vnic cni-elsewhere .*https:\/\/other\.example:7473.*network pods/)
  assert.deepEqual(noted(other.stateDir, 'pods'), ['cni-elsewhere'])
  assert.equal(await isThere('cni-here'), false)
  forget(other.stateDir, 'pods', 'cni-elsewhere')
})

/** Run something with these contexts of a user alone, the first of which is the current one. */
async function withLogins<T>(contexts: object, work: () => Promise<T>): Promise<T> {
  const names = ['XDG_CONFIG_HOME', 'VPC_API', 'VPC_TOKEN', 'VPC_CONTEXT']
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  const home = mkdtempSync(join(directory, 'home-'))
  for (const name of names) delete process.env[name]
  process.env.XDG_CONFIG_HOME = home
  try {
    writeContexts({ current: Object.keys(contexts)[0] ?? null, contexts: { ...contexts } as Contexts['contexts'] })
    return await work()
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

test('a vnic that was noted by a login stays for it when another is the current one', async () => {
  const { server: here, stateDir } = placesOf() as { server: string; stateDir: string }
  const hostFile = join(directory, 'logins.json')
  writeFileSync(hostFile, JSON.stringify({ stateDir }))
  const config = readConfig(JSON.stringify({ cniVersion: '1.1.0', name: 'login', subnet: 'red/web', stateDir }))
  const mine = { server: here, token: api.admin }
  const kept = (): readonly string[] => noted(stateDir, 'login')
  await withLogins({ other: { server: 'https://other.example', token: 'of-other' }, mine, guest: mine }, async () => {
    // The API knows none of these names, as it knows no vnic that a caller may not see.
    note(config, 'cni-other')
    note({ ...config, context: 'guest' }, 'cni-guest')
    writeContexts({ ...readContexts(), current: 'mine' })
    note(config, 'cni-mine')
    process.env.VPC_API = here
    process.env.VPC_TOKEN = 'of-the-environment'
    note(config, 'cni-environment')
    for (const name of ['VPC_API', 'VPC_TOKEN']) delete process.env[name]
    // From an earlier version, and from before anybody logged in.
    for (const name of ['cni-empty', 'cni-early']) writeFileSync(join(stateDir, 'unfinished/login', name), '')
    writeFileSync(join(stateDir, 'unfinished/login/cni-early'), 'context (the current one)')
    const said = (await finishAll(hostFile))!
    assert.match(said, /^5 vnics stay for networks of other clouds: vnic cni-/)
    assert.deepEqual([...kept()].sort(), ['cni-early', 'cni-empty', 'cni-environment', 'cni-guest', 'cni-other'])
    assert.ok(!said.includes('of-the-environment'))
    // The network's own call takes those for gone that nobody else may have.
    const { left, elsewhere } = await finish(config)
    assert.deepEqual(left, [])
    assert.match(elsewhere.join('\n'), /cni-other is one of https:\/\/other\.example with context other/)
    assert.deepEqual([...kept()].sort(), ['cni-environment', 'cni-guest', 'cni-other'])
    for (const name of kept()) forget(stateDir, 'login', name)
  })
})

test('a DEL by another cloud than that of the ADD leaves the vnic noted, and the next call by the first removes it', async () => {
  const { server: here, stateDir } = placesOf() as { server: string; stateDir: string }
  await using other = await TestApi.start()
  await using there = await serve(() => other)
  const config = readConfig(JSON.stringify({ cniVersion: '1.1.0', name: 'two', subnet: 'red/web', stateDir }))
  const attachment = { containerId: 'box', ifname: 'eth0' }
  const vnic = vnicNameOf('two', attachment)
  const contexts = { mine: { server: here, token: api.admin }, other: { server: there.url, token: other.admin } }
  await withLogins(contexts, async () => {
    // What ADD does last.
    await makeVnic(vnic)
    noteAttached(config, vnic)
    writeContexts({ ...readContexts(), current: 'other' })
    await del(config, attachment)
    assert.deepEqual([await isThere(vnic), noted(stateDir, 'two')], [true, [vnic]])
    const [said = ''] = (await finish(config)).elsewhere
    assert.match(said, /with context mine/)
    assert.deepEqual(noted(stateDir, 'two'), [vnic])
    // For who knows that it is gone, as after the context was renamed.
    const notes = ['unfinished', 'attached'].map((kind) => join(stateDir, kind, 'two', vnic))
    assert.ok(said.endsWith(`if it is gone there, remove its notes: rm -f ${notes.join(' ')}`), said)
    assert.ok(notes.every((path) => existsSync(path)))
    writeContexts({ ...readContexts(), current: 'mine' })
    assert.deepEqual(await finish(config), { left: [], elsewhere: [] })
    assert.deepEqual([await isThere(vnic), noted(stateDir, 'two')], [false, []])
    // Nothing says any more which cloud it was.
    writeContexts({ ...readContexts(), current: 'other' })
    await del(config, attachment)
    assert.deepEqual(noted(stateDir, 'two'), [])
  })
})

test('nobody need be logged in to leave vnics of other clouds', async () => {
  const { stateDir } = placesOf() as { stateDir: string }
  const hostFile = join(directory, 'nobody.json')
  writeFileSync(hostFile, JSON.stringify({ stateDir }))
  const config = readConfig(JSON.stringify({ cniVersion: '1.1.0', name: 'nobody', subnet: 'red/web', stateDir }))
  await withLogins({}, async () => {
    note(configOf('web'), 'cni-web')
    note(config, 'cni-nobody')
    assert.match((await finishAll(hostFile))!, /^2 vnics stay/)
    assert.deepEqual([...noted(stateDir, 'web'), ...noted(stateDir, 'nobody')], ['cni-web', 'cni-nobody'])
    // Its own cannot be removed: this is said.
    assert.match((await finish(config)).left[0]!, /not logged in/)
    assert.deepEqual(noted(stateDir, 'nobody'), ['cni-nobody'])
  })
})
