/** Vnics of containers that are gone, removed while somebody wants one again, or by who cannot know. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { finish } from '#cni/finish.ts'
import { readConfig, type NetworkConfig } from '#cni/invocation.ts'
import { forget, note, noted } from '#cni/unfinished.ts'
import { finishAll } from '#oci/hook.ts'
import { TestApi } from '../test-api.ts'

let directory: string
let api: TestApi
/** Called before an answer to GET is given. */
let onRead: () => void = () => {}
const server = createServer(async (request, response) => {
  const { method, url } = request
  const body = await text(request)
  const answer = await api.request(api.admin, method!, url!, body === '' ? undefined : body)
  if (method === 'GET') onRead()
  response.writeHead(answer.status, { etag: answer.headers.get('etag') ?? '' })
  response.end(await answer.text())
})

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-leftovers-'))
  api = await TestApi.start()
  writeFileSync(join(directory, 'token'), api.admin)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await api[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const placesOf = (): object => ({
  server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
    assert.deepEqual(await finish(config), [])
  } finally {
    onRead = () => {}
  }
  assert.deepEqual([await isThere('cni-again'), await isThere('cni-gone')], [true, false])
  assert.deepEqual(noted(config.stateDir, config.name), [])
})

test('a vnic of another cloud stays noted when this one does not know it', async () => {
  const hostFile = join(directory, 'containers.json')
  writeFileSync(hostFile, JSON.stringify(placesOf()))
  mkdirSync(join(directory, 'cni'), { recursive: true })
  const other = configOf('pods', { server: 'https://other.example:7473' })
  note(other, 'cni-elsewhere')
  note(configOf('oci'), 'cni-here')
  await makeVnic('cni-here')
  await assert.rejects(finishAll(hostFile), /1 vnics .* left: vnic cni-elsewhere .*https:\/\/other\.example:7473.*network pods/)
  assert.deepEqual(noted(other.stateDir, 'pods'), ['cni-elsewhere'])
  assert.equal(await isThere('cni-here'), false)
})
