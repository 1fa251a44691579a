/**
 * Names of all kinds, with what each is: enough to find a command without loading the tables. A test compares them.
 */
export const kindNames: Readonly<Record<string, string>> = {
  org: 'organisations: each owns accounts',
  account: 'accounts: each sees its own resources alone',
  principal: 'principals: people and programs that use the API',
  token: 'tokens: secrets that stand for a principal',
  'role-binding': 'role bindings: what principals may do, and where',
  vpc: 'vpcs: private networks of an account',
  subnet: 'subnets: networks of a vpc',
  vnic: 'vnics: network interfaces of guests',
  vm: 'guests: virtual machines and containers',
  address: 'addresses: each keeps an address of a subnet until a vnic asks for it',
  group: 'security groups: who may talk to whom',
  'prefix-list': 'prefix lists: networks that rules name as one',
  router: 'routers: each joins subnets of a vpc',
  'route-table': 'route tables: where packets go that no subnet has',
  nat: 'NATs: public addresses that vnics of a vpc share',
  'floating-ip': 'floating addresses: a public address for one vnic',
  peering: 'peerings: each joins two vpcs',
  'flow-log': 'flow logs: records of what passes vnics',
  region: 'regions: places with low latency inside',
  facility: 'facilities: data centres',
  az: 'availability zones of a region: what fails together',
  host: 'hosts: machines that run guests',
  placement: 'placements: the VNI of a subnet in a facility',
  pool: 'pools: public addresses of a facility',
}
