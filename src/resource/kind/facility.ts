/** `facility`: a data centre. VNIs are allocated per facility; tenants do not see it. */
import { fleet, kind } from '../kind.ts'

export const facility = kind({
  kind: 'facility',
  plural: 'facilities',
  summary: 'facilities: data centres',
  named: true,
  ...fleet,
  columns: ['region', 'mtuUnderlay'],
  fields: {
    region: { type: 'reference', to: 'region', required: true, immutable: true, help: 'where it is' },
    vniFirst: { type: 'integer', min: 1, max: 16_777_215, default: 4096, help: 'the first VNI that subnets get' },
    vniLast: { type: 'integer', min: 1, max: 16_777_215, default: 16_777_215, help: 'the last VNI that subnets get' },
    dnsServers: {
      type: 'list',
      max: 4,
      default: [],
      of: { type: 'ip', help: 'a server' },
      help: "servers that its hosts ask for names that are not a guest's; guests get their answers",
    },
    mtuUnderlay: { type: 'integer', min: 1280, max: 9216, default: 1500, help: 'MTU of the network between its hosts' },
  },
})
