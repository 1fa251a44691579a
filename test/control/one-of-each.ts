/** A cloud with one thing of each kind in the account `secret-account`, and another account that has little. */
import { randomUUID } from 'node:crypto'
import type { TestApi } from './test-api.ts'

/** Make it. Notes each thing by its kind. */
export async function makeOneOfEach(api: TestApi, theirs: Map<string, any>): Promise<void> {
  const make = async (kind: string, plural: string, body: object) => theirs.set(kind, await api.ok('POST', `/${plural}`, body))
  for (const name of ['mine', 'secret']) {
    await api.ok('POST', '/orgs', { name: `${name}-org` })
    await api.ok('POST', '/accounts', { name: `${name}-account`, org: `${name}-org` })
    await api.ok('POST', '/vpcs', { name: `${name}-vpc`, account: `${name}-account` })
    await api.ok('POST', '/subnets', { name: `${name}-subnet`, vpc: `${name}-vpc`, network4: '10.0.0.0/24' })
  }
  for (const [kind, path] of [
    ['org', 'orgs/secret-org'],
    ['account', 'accounts/secret-account'],
    ['vpc', 'vpcs/secret-vpc'],
    ['subnet', 'subnets/secret-subnet'],
  ])
    theirs.set(kind!, await api.ok('GET', `/${path}`))
  await make('region', 'regions', { name: 'north' })
  await make('facility', 'facilities', { name: 'secret-dc', region: 'north' })
  await api.ok('POST', '/facilities', { name: 'secret-far', region: 'north' })
  await make('transit', 'transits', { name: 'secret-transit', from: 'secret-dc', to: 'secret-far' })
  await make('az', 'azs', { name: 'north-a', region: 'north', letter: 'a' })
  await make('host', 'hosts', { name: 'secret-host', facility: 'secret-dc', underlay: [{ address: '192.0.2.77' }] })
  await make('placement', 'placements', { subnet: 'secret-subnet', facility: 'secret-dc' })
  await make('pool', 'pools', { name: 'secret-pool', facility: 'secret-dc', prefix: '198.51.100.0/28', accounts: ['secret-account'] })
  await make('vnic', 'vnics', { account: 'secret-account', subnet: 'secret-subnet', name: 'secret-vnic', dhcpHostname: 'secret-guest' })
  await make('vm', 'vms', { account: 'secret-account', name: 'secret-guest', type: 'kvm', vnics: ['secret-vnic'] })
  await make('address', 'addresses', { subnet: 'secret-subnet', description: 'secret-address' })
  await make('group', 'groups', { account: 'secret-account', name: 'secret-group' })
  await make('prefix-list', 'prefix-lists', { account: 'secret-account', name: 'secret-list' })
  await make('router', 'routers', { vpc: 'secret-vpc', name: 'secret-router', interfaces: [{ subnet: 'secret-subnet' }] })
  await make('route-table', 'route-tables', { vpc: 'secret-vpc', name: 'secret-table' })
  await make('nat', 'nats', { vpc: 'secret-vpc', name: 'secret-nat', pool: 'secret-pool' })
  await make('flow-log', 'flow-logs', { account: 'secret-account', name: 'secret-log', destination: 'files' })
  await make('floating-ip', 'floating-ips', { account: 'secret-account', name: 'secret-float', pool: 'secret-pool' })
  await make('peering', 'peerings', { vpc: 'secret-vpc', peerVpc: randomUUID(), name: 'secret-peering' })
  await make('principal', 'principals', { name: 'secret-person', account: 'secret-account' })
  await make('role-binding', 'role-bindings', { principal: 'secret-person', role: 'viewer', account: 'secret-account' })
  await make('token', 'tokens', { principal: 'secret-person' })
}
