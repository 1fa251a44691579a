/** `subnet`: networks of one broadcast domain, IPv4, IPv6 or both. */
import { kind, tenant } from '../kind.ts'

export const subnet = kind({
  kind: 'subnet',
  plural: 'subnets',
  summary: 'subnets: networks of a vpc',
  parent: 'vpc',
  named: true,
  ...tenant,
  quota: 64,
  columns: ['vpc', 'network4', 'network6', 'state'],
  status: ['problem'],
  fields: {
    vpc: { type: 'reference', to: 'vpc', required: true, immutable: true, within: 'any', help: 'its vpc' },
    network4: { type: 'network', family: 4, min: 8, max: 29, immutable: true, help: 'its IPv4 network' },
    network6: {
      type: 'network',
      family: 6,
      min: 64,
      max: 64,
      auto: true,
      immutable: true,
      help: "its IPv6 network; 'auto' takes a free one of the vpc",
    },
    gateway4: { type: 'ip', family: 4, allocated: true, immutable: true, help: 'the first address, unless given' },
    gateway6: { type: 'ip', family: 6, allocated: true, immutable: true, help: 'the first address, unless given' },
    reserved: { type: 'list', max: 32, of: { type: 'range', help: 'addresses' }, default: [], help: 'addresses that no vnic can have' },
    pool: {
      type: 'list',
      max: 32,
      of: { type: 'range', help: 'addresses' },
      default: [],
      help: 'addresses that vnics get which ask for none; all, unless given',
    },
    dhcp: {
      type: 'object',
      help: 'what guests are told by DHCP',
      fields: {
        leaseSeconds: { type: 'integer', min: 60, max: 604_800, help: 'how long an address is theirs; 3600 unless given' },
        ntp: { type: 'list', max: 3, of: { type: 'ip', help: 'a server' }, help: 'servers of the time' },
        search: { type: 'list', max: 6, of: { type: 'text', max: 253, help: 'a domain' }, help: 'domains that names are looked up in' },
      },
    },
    ra: { type: 'choice', words: ['managed', 'slaac', 'off'], default: 'managed', help: 'how guests get IPv6 addresses' },
    metadata: { type: 'boolean', default: true, help: 'answer guests at 169.254.169.254 and fd00:ec2::254, as EC2 does' },
    resolver: {
      type: 'boolean',
      default: true,
      help: 'answer DNS at 169.254.169.253 and fd00:ec2::253; guests are told so, unless the vpc names other servers',
    },
    routeTable: { type: 'reference', to: 'route-table', within: 'vpc', help: 'its route table' },
    floodUnknown: { type: 'boolean', default: false, help: 'send frames for unknown MACs to all its vnics' },
  },
})
