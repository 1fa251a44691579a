/** `host`: a machine that runs guests. */
import { fleet, kind } from '../kind.ts'

export const host = kind({
  kind: 'host',
  plural: 'hosts',
  summary: 'hosts: machines that run guests',
  parent: 'facility',
  named: true,
  status: ['vnics', 'joined', 'lastSeen', 'agentVersion', 'vpcdVersion', 'lacks'],
  ...fleet,
  columns: ['facility', 'state', 'vnics', 'capacity', 'lastSeen', 'agentVersion', 'vpcdVersion', 'lacks'],
  fields: {
    facility: { type: 'reference', to: 'facility', required: true, immutable: true, help: 'where it stands' },
    az: { type: 'reference', to: 'az', immutable: true, help: 'its availability zone' },
    underlay: {
      type: 'list',
      max: 8,
      default: [],
      of: {
        type: 'object',
        help: 'an address of the underlay',
        fields: {
          address: { type: 'ip', required: true, help: 'where other hosts send packets to' },
          port: { type: 'integer', min: 1, max: 65_535, default: 4789, help: 'UDP port' },
        },
      },
      help: 'where other hosts reach its mux',
    },
    wires: {
      type: 'list',
      max: 16,
      default: [],
      of: {
        type: 'object',
        help: 'a wire',
        fields: {
          pool: { type: 'reference', to: 'pool', within: 'any', required: true, help: 'the pool whose addresses are on it' },
          interface: {
            type: 'text',
            max: 15,
            pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]*$',
            looks: 'the name of an interface',
            required: true,
            help: 'the interface, as the host calls it',
          },
          prefix4: { type: 'network', family: 4, help: 'destinations that are on the wire itself' },
          gateway4: { type: 'ip', family: 4, help: 'the next router on the wire; as the routes of the host say, unless given' },
          priority: {
            type: 'integer',
            min: 0,
            max: 255,
            default: 100,
            help: 'of several hosts with a pool, the highest that is there has its packets',
          },
        },
      },
      help: 'interfaces where public addresses are; of several hosts with a pool, one has its packets',
    },
    capacity: { type: 'integer', min: 0, max: 65_536, default: 1024, help: 'how many vnics it takes' },
    schedulable: { type: 'boolean', default: true, help: 'new guests may come' },
    disabled: { type: 'boolean', default: false, help: 'its agent may not connect; what runs there goes on' },
  },
})
