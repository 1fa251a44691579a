/** Guests through the API: their vnics are in one guest alone, and follow it from host to host in one transaction. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
const hosts: Record<string, string> = {}
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/regions', { name: 'north' })
  for (const name of ['f1', 'f2']) await api.ok('POST', '/facilities', { name, region: 'north' })
  for (const [name, facility, capacity] of [
    ['h1', 'f1', 8],
    ['h2', 'f1', 1],
    ['h3', 'f2', 8],
  ])
    hosts[name as string] = (await api.ok('POST', '/hosts', { name, facility, capacity })).id
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of ['shop', 'rival']) await api.ok('POST', '/accounts', { name, org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  for (const name of ['a', 'b', 'c']) await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
})
after(async () => {
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  return api[Symbol.asyncDispose]()
})

const code = ({ body }: { body: any }): string => body.type.replace('urn:vpc:problem:', '')
const set = (name: string, change: object) => api.ask(api.admin, 'PATCH', `/vms/${name}`, change, { 'if-match': '*' })
const vnic = (name: string): Promise<any> => api.ok('GET', `/vnics/${name}`)
/** Where vnics are: host and unit, or null. */
const places = async (...names: string[]): Promise<unknown[]> =>
  Promise.all(names.map(async (name) => (await vnic(name)).binding && [(await vnic(name)).binding.host, (await vnic(name)).binding.unit]))
const both = (host: string): unknown[] => ['a', 'b'].map(() => [hosts[host], 'vmnic'])

test('keys and user data that no host would take are refused by name', async () => {
  const make = (more: object) => api.ask(api.admin, 'POST', '/vms', { name: 'keys', account: 'shop', type: 'kvm', ...more })
  for (const [more, field, why] of [
    [{ sshKeys: ['-----BEGIN OPENSSH PRIVATE KEY-----'] }, '/sshKeys', /private key/],
    [{ sshKeys: ['hello'] }, '/sshKeys', /'hello' is not a public key/],
    [{ sshKeys: Array.from({ length: 9 }, (_, i) => `ssh-rsa ${'A'.repeat(1000)}${i}`) }, '/sshKeys', /more than 8192/],
    [{ userData: 'ä'.repeat(9000) }, '/userData', /18000 bytes are more than the 16384/],
  ] as const) {
    const { status, body } = (await make(more)) as { status: number; body: any }
    assert.deepEqual([status, body.fields[0].pointer], [400, field], JSON.stringify(body))
    assert.match(body.detail, why)
  }
})

test('vnics follow their guest, all in one revision', async () => {
  const vm = await api.ok('POST', '/vms', { name: 'vm1', account: 'shop', type: 'kvm', vnics: ['b', 'a'], host: 'h1' })
  assert.deepEqual([vm.state, vm.vnics, vm.host], ['placed', [(await vnic('b')).id, (await vnic('a')).id], hosts.h1])
  assert.deepEqual(await places('a', 'b'), both('h1'))
  assert.deepEqual([(await vnic('a')).revision, (await vnic('b')).revision], [vm.revision, vm.revision])
  // Both are in one subnet: it gets one place in the facility.
  assert.equal((await api.ok('GET', '/placements')).items.length, 1)
  const on = async (host: string): Promise<string[]> => (await api.ok('GET', `/vms?host=${host}`)).items.map(({ name }: any) => name)
  assert.deepEqual([await on('h1'), await on('h3')], [['vm1'], []])
  const moved = await set('vm1', { host: 'h3' })
  assert.deepEqual(await places('a', 'b'), both('h3'))
  assert.deepEqual([(await vnic('a')).binding.epoch, (await vnic('a')).generation, (await vnic('a')).revision], [2, 1, moved.body.revision])
  assert.equal((await api.ok('GET', '/placements')).items.length, 2)
  await set('vm1', { vnics: ['a', 'c'] })
  assert.deepEqual(await places('a', 'b', 'c'), [[hosts.h3, 'vmnic'], null, [hosts.h3, 'vmnic']])
  assert.equal((await set('vm1', { host: null })).body.state, 'waiting')
  assert.deepEqual(await places('a', 'b', 'c'), [null, null, null])
})

test('a vnic is in one guest, and only its guest plugs it in', async () => {
  const other = await api.ask(api.admin, 'POST', '/vms', { name: 'vm2', account: 'shop', type: 'container', vnics: ['b', 'a'] })
  assert.deepEqual([other.status, code(other), other.body.fields[0].pointer], [409, 'taken', '/vnics/1'])
  assert.match(other.body.detail, /vm vm1 has it/)
  const bound = await api.ask(api.admin, 'PUT', '/vnics/a/binding', { host: 'h1' })
  assert.deepEqual([code(bound), bound.body.users[0].name], ['in-use', 'vm1'])
  assert.match(bound.body.hint, /host of the vm/)
  const gone = await api.ask(api.admin, 'DELETE', '/vnics/a')
  assert.deepEqual([code(gone), gone.body.users[0].name], ['in-use', 'vm1'])
  await api.ok('PUT', '/vnics/b/binding', { host: 'h1' })
  const away = await set('vm1', { vnics: ['b'], host: 'h3' })
  assert.deepEqual([code(away), away.body.fields[0].pointer], ['in-use', '/vnics/0'])
  // It is there already: it becomes what the guest needs.
  assert.equal((await set('vm1', { vnics: ['b'], host: 'h1' })).status, 200)
  assert.deepEqual(await places('a', 'b'), [null, [hosts.h1, 'vmnic']])
})

test('a host that is full or closed takes none of it, and what stands in the way is said', async () => {
  const full = await set('vm1', { vnics: ['a', 'b'], host: 'h2' })
  assert.deepEqual([full.status, code(full)], [409, 'exhausted'])
  await api.ok('PATCH', '/hosts/h3', { schedulable: false }, { 'if-match': '*' })
  assert.match((await set('vm1', { host: 'h3' })).body.detail, /h3 takes no new guests/)
  assert.deepEqual(await places('a', 'b'), [null, [hosts.h1, 'vmnic']])
  const running = await api.ask(api.admin, 'DELETE', '/vms/vm1')
  assert.deepEqual([code(running), running.body.users[0].name], ['in-use', 'h1'])
  const host = await api.ask(api.admin, 'DELETE', '/hosts/h1')
  assert.deepEqual(host.body.users.map(({ kind }: any) => kind).sort(), ['vm', 'vnic'])
  const strange = await api.ask(api.admin, 'POST', '/vms', { name: 'vm3', account: 'rival', type: 'kvm', vnics: [(await vnic('c')).id] })
  assert.deepEqual([strange.status, code(strange)], [400, 'invalid'])
  await set('vm1', { host: null })
  await api.ok('DELETE', '/vms/vm1')
  assert.equal((await api.ask(api.admin, 'PUT', '/vnics/b/binding', { host: 'h1' })).status, 200)
})

test('a guest and a binding of its vnic at the same time: one of them wins, never half of both', async () => {
  for (let i = 0; i < 10; i++) {
    await api.ok('POST', '/vnics', { name: `r${i}`, account: 'shop', subnet: 'web' })
    const [made, bound] = await Promise.all([
      api.ask(api.admin, 'POST', '/vms', { name: `g${i}`, account: 'shop', type: 'kvm', vnics: [`r${i}`] }),
      api.ask(api.admin, 'PUT', `/vnics/r${i}/binding`, { host: 'h1' }),
    ])
    assert.ok(['201 409', '409 200'].includes(`${made.status} ${bound.status}`), `${made.status} ${bound.status}`)
    assert.equal((await vnic(`r${i}`)).binding === null, made.status === 201, `${made.status} ${bound.status}`)
    await api.ask(api.admin, 'DELETE', `/vnics/r${i}/binding`)
  }
})

test('a guest that runs moves to another facility where transits lead there and back, with the VNI that it has', async () => {
  for (const name of ['h1', 'h3']) await api.ok('PATCH', `/hosts/${name}`, { schedulable: true }, { 'if-match': '*' })
  await api.ok('POST', '/subnets', { name: 'far', vpc: 'red', network4: '10.0.9.0/24' })
  await api.ok('POST', '/vnics', { name: 'd', account: 'shop', subnet: 'far' })
  await api.ok('POST', '/vms', { name: 'vm9', account: 'shop', type: 'kvm', vnics: ['d'], host: 'h1' })
  const migrate = (host: string, phase?: string) => api.ask(api.admin, 'PUT', '/vms/vm9/migration', { host, ...(phase && { phase }) })
  const refused = async (host: string): Promise<string> => {
    const { status, body } = (await migrate(host)) as { status: number; body: any }
    assert.equal(status, 400)
    return body.detail
  }
  const noWay =
    /host h3 is in facility f2, and no transit leads from facility f1 to facility f2; make one \(vpc transit create .*, or stop the/
  assert.match(await refused('h3'), noWay)
  const there = await api.ok('POST', '/transits', { name: 'there', from: 'f1', to: 'f2' })
  assert.match(await refused('h3'), /no transit leads from facility f2 to facility f1/)
  await api.ok('POST', '/transits', { name: 'back', from: 'f2', to: 'f1' })
  const vnis = async (): Promise<unknown> => {
    const { items } = await api.ok('GET', '/placements')
    const subnet = (await vnic('d')).subnet
    return new Set(items.filter((each: any) => each.subnet === subnet).map(({ vni }: any) => vni))
  }
  // Another subnet has the VNI there.
  const [vni] = [...((await vnis()) as Set<number>)]
  await api.ok('POST', '/subnets', { name: 'holder', vpc: 'red', network4: '10.0.10.0/24' })
  const holder = await api.ok('POST', '/placements', { subnet: 'red/holder', facility: 'f2', vni })
  assert.match(await refused('h3'), new RegExp(`where subnet far cannot have its VNI ${vni}; free that VNI there, or stop the guest`))
  await api.ok('DELETE', `/placements/${holder.id}`)
  assert.match(await refused('h3'), /cannot have its VNI/, 'it rests')
  api.ahead += 91 * 86_400_000
  assert.equal((await migrate('h3')).status, 200)
  assert.deepEqual(await vnis(), new Set([vni]))
  assert.equal((await migrate('h3', 'receive')).status, 200)
  await api.ok('PATCH', '/vms/vm9', { host: 'h3' }, { 'if-match': '*' })
  await api.ok('DELETE', '/vms/vm9/migration')
  assert.deepEqual(await places('d'), [[hosts.h3, 'vmnic']])
  // And back, by the same transits; without one of them no more.
  assert.equal((await migrate('h1')).status, 200)
  await api.ok('DELETE', '/vms/vm9/migration')
  await api.ok('DELETE', `/transits/${there.id}`)
  assert.match(await refused('h1'), /no transit leads from facility f1 to facility f2/)
})
