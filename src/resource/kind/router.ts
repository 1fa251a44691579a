/** `router`: joins subnets of a vpc. */
import { kind, tenant } from '../kind.ts'

export const router = kind({
  kind: 'router',
  plural: 'routers',
  summary: 'routers: each joins subnets of a vpc',
  parent: 'vpc',
  named: true,
  ...tenant,
  quota: 64,
  columns: ['vpc', 'interfaces', 'enabled'],
  status: ['problem'],
  fields: {
    vpc: { type: 'reference', to: 'vpc', required: true, immutable: true, within: 'any', help: 'its vpc' },
    interfaces: {
      type: 'list',
      max: 64,
      default: [],
      help: 'the subnets that it joins',
      of: {
        type: 'object',
        help: 'an interface',
        fields: {
          subnet: { type: 'reference', to: 'subnet', within: 'vpc', required: true, help: 'a subnet' },
          mac: { type: 'mac', allocated: true, help: 'its MAC address there' },
        },
      },
    },
    enabled: { type: 'boolean', default: true, help: 'it forwards packets' },
  },
})
