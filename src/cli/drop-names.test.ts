import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { UnitType } from '#abi/object-type.ts'
import { objectId } from '#feed/object-id.ts'
import { writeObjects } from '#feed/objects-file.ts'
import { ApiClient } from './cloud/api-client.ts'
import { DropNames, withNames, type UnitSource } from './drop-names.ts'

const rule = '01a224f5-bd6b-7370-a13c-df6a72186ff5'
const note = { id: rule, direction: 'in', protocol: 'icmp', ports: [], note: 'ping\u001b[2J' }
const plain = { id: rule.replace('01a2', '02a2'), direction: 'in', protocol: 'tcp', ports: ['22', '80'] }
const resources: Readonly<Record<string, object>> = {
  '/v1/vnics/v': { name: 'web1', account: 'a', vpc: 'r' },
  '/v1/groups/g': { name: 'app', account: 'a', rules: [note, plain] },
  '/v1/subnets/s': { name: 'front', account: 'a', vpc: 'r' },
  '/v1/accounts/a': { name: 'shop' },
  '/v1/vpcs/r': { name: 'red', account: 'a' },
}
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url!)
  const found = resources[request.url!]
  response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? {}))
})
const directory = mkdtempSync(join(tmpdir(), 'vpc-names-'))
const ids = {
  vpcp: objectId('vpcp', ['v']),
  group: objectId('group', ['g']),
  subnet: objectId('subnet', ['s']),
  vpcrtr: objectId('vpcrtr', ['x']),
}
let units: Partial<Record<UnitType, string>> = { vpcp: 'vpcp3', group: 'group0', subnet: 'subnet1', vpcrtr: 'vpcrtr0' }
const source: UnitSource = {
  headers: async (type) => (units[type] === undefined ? [] : [{ unit: units[type], id: ids[type as keyof typeof ids] }]),
}
let now = 0
const said: string[] = []
const open = (client: ApiClient | undefined): DropNames =>
  new DropNames(source, { stateDir: directory, client, now: () => now, say: (why) => void said.push(why) })
const client = (): ApiClient => new ApiClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' })

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  writeObjects(directory, {
    [ids.vpcp]: { kind: 'vnic', id: 'v' },
    [ids.group]: { kind: 'group', id: 'g' },
    [ids.subnet]: { kind: 'subnet', id: 's' },
    [ids.vpcrtr]: { kind: 'router', id: 'x' },
  })
})
after(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

const text = `into vpcp3 (group0, group7): rule ${rule} of group0; route 10.0.0.0/8 subnet1 of vpcrtr0`

test('units and rules get their names; what the user may not see stays, and so does what nobody told', async () => {
  const names = open(client())
  const known = await names.of(text)
  assert.equal(
    withNames(text, known),
    String.raw`into vnic shop/web1 (group shop/app, group7): rule "ping\u001b[2J" of group shop/app; route 10.0.0.0/8 subnet shop/red/front of vpcrtr0`,
  )
  assert.deepEqual(known['vpcp3'], { kind: 'vnic', id: 'v', path: 'shop/web1', name: 'web1', account: 'shop', vpc: 'red' })
  assert.deepEqual(known['vpcrtr0'], { kind: 'router', id: 'x', path: null, name: null, account: null, vpc: null })
  const count = asked.length
  await names.of(text)
  assert.equal(asked.length, count, 'names are kept')
})

test("a rule without a note says what it lets pass; the twin for IPv6 is the rule's own", async () => {
  const names = open(client())
  const twin = `rule ${rule.slice(0, 14)}f${rule.slice(15)} of group0`
  assert.equal(withNames(twin, await names.of(twin)), String.raw`rule "ping\u001b[2J" of group shop/app`)
  const other = `rule ${plain.id} of group0`
  assert.equal(withNames(other, await names.of(other)), 'rule in tcp 22,80 of group shop/app')
})

test('a unit that is another object by now is not called by the name of the one before', async () => {
  const names = open(client())
  assert.ok((await names.of('vpcp3'))['vpcp3'])
  units = { ...units, vpcp: 'vpcp4' }
  now += 1_001
  assert.deepEqual(Object.keys(await names.of('vpcp3 vpcp4')), ['vpcp4'])
  units = { ...units, vpcp: 'vpcp3' }
  now += 1_001
})

test('without a login there are ids; without an API, too, and it is said once', async () => {
  const known = await open(undefined).of(text)
  assert.deepEqual(known['group0'], { kind: 'group', id: 'g', path: null, name: null, account: null, vpc: null })
  assert.equal(withNames(text, known), text)
  const away = open(new ApiClient({ server: 'http://127.0.0.1:1', token: 't' }))
  assert.equal(withNames(text, await away.of(text)), text)
  assert.equal(withNames(text, await away.of(text)), text)
  assert.equal(said.length, 1)
  assert.match(said[0]!, /cannot be reached/)
})
