/** `route-table`: where packets go that no subnet of the vpc has. */
import { kind, tenant } from '../kind.ts'

export const routeTable = kind({
  kind: 'route-table',
  plural: 'route-tables',
  summary: 'route tables: where packets go that no subnet has',
  parent: 'vpc',
  named: true,
  ...tenant,
  quota: 64,
  columns: ['vpc', 'routes'],
  status: ['problem'],
  fields: {
    vpc: { type: 'reference', to: 'vpc', required: true, immutable: true, within: 'any', help: 'its vpc' },
    routes: {
      type: 'list',
      max: 500,
      default: [],
      help: 'routes; the longest prefix decides',
      of: {
        type: 'object',
        help: 'a route',
        exactlyOneOf: ['router', 'nat', 'vnic', 'peering', 'blackhole'],
        fields: {
          destination: { type: 'network', required: true, help: 'which packets' },
          router: { type: 'reference', to: 'router', within: 'vpc', help: 'to a router' },
          nat: { type: 'reference', to: 'nat', within: 'vpc', help: 'out, by addresses of a NAT' },
          vnic: { type: 'reference', to: 'vnic', within: 'vpc', help: 'to a guest' },
          peering: { type: 'reference', to: 'peering', help: 'into another vpc' },
          blackhole: { type: 'choice', words: ['drop'], help: 'nowhere' },
        },
      },
    },
  },
})
