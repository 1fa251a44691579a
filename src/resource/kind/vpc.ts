/** `vpc`: a set of subnets; what a tenant sees instead of VNIs. */
import { kind, tenant } from '../kind.ts'

export const vpc = kind({
  kind: 'vpc',
  plural: 'vpcs',
  summary: 'vpcs: private networks of an account',
  parent: 'account',
  named: true,
  cascades: true,
  ...tenant,
  quota: 16,
  columns: ['account', 'ipv6Prefix', 'state'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    ipv6Prefix: { type: 'network', family: 6, min: 48, max: 48, allocated: true, immutable: true, help: 'its IPv6 network, of fd00::/8' },
    dns: {
      type: 'object',
      help: 'what guests are told about names',
      fields: {
        name: {
          type: 'text',
          max: 63,
          pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
          looks: 'a domain name in lower case',
          help: 'domain of its guests',
        },
        servers: {
          type: 'list',
          max: 3,
          of: { type: 'ip', help: 'a server' },
          help: 'servers that guests ask, instead of the resolver of their subnet',
        },
      },
    },
    resolution: {
      type: 'choice',
      words: ['auto', 'push', 'demand'],
      default: 'auto',
      help: 'whether hosts get all its addresses, or ask for what they need',
    },
    mtu: { type: 'integer', min: 1280, max: 9216, help: 'MTU of its guests; what the underlay takes, unless given' },
  },
})
