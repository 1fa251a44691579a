/** Two commands that give a vm a vnic at once. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { ApiClient } from '#cli/cloud/api-client.ts'
import { changeVnics } from '#cli/vm-vnic.ts'
import { TestApi } from '../test-api.ts'

test('two vnics that a vm gets at once are both its own, and one that goes takes no other along', async () => {
  await using api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  const [first, ...more] = await Promise.all(
    ['a', 'b', 'c'].map((name) => api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })),
  )
  const vm = await api.ok('POST', '/vms', { name: 'guest', account: 'shop', type: 'kvm', vnics: [first.id] })
  // Both have read the vm before one of them changes it.
  let reads = 0
  const bothHaveRead = Promise.withResolvers<void>()
  const server = createServer(async (request, response) => {
    const { method, url } = request
    const body = await text(request)
    const answer = await api.request(api.admin, method!, url!, body === '' ? undefined : body, {
      ...(request.headers['if-match'] !== undefined && { 'if-match': request.headers['if-match'] }),
    })
    if (method === 'GET' && ++reads === 2) bothHaveRead.resolve()
    if (method === 'GET') await bothHaveRead.promise
    response.writeHead(answer.status, { etag: answer.headers.get('etag') ?? '' })
    response.end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const client = new ApiClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: api.admin })
    const machine = { host: { id: 'h', name: 'h' }, seconds: 1 }
    const vnicsOf = async (): Promise<string[]> => (await api.ok('GET', `/vms/${vm.id}`)).vnics.toSorted()
    await Promise.all(more.map(({ id }) => changeVnics(client, vm, (vnics) => [...vnics, id], machine)))
    assert.deepEqual(await vnicsOf(), [first, ...more].map(({ id }) => id).toSorted())
    await changeVnics(client, vm, (vnics) => vnics.filter((id) => id !== more[0].id), machine)
    assert.deepEqual(await vnicsOf(), [first, more[1]].map(({ id }) => id).toSorted())
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
