/** `host`: a machine that runs guests. */
import { fleet, kind } from '../kind.ts'

export const host = kind({
  kind: 'host',
  plural: 'hosts',
  summary: 'hosts: machines that run guests',
  parent: 'facility',
  named: true,
  ...fleet,
  columns: ['facility', 'az', 'underlay', 'schedulable'],
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
    capacity: { type: 'integer', min: 0, max: 65_536, default: 1024, help: 'how many vnics it takes' },
    schedulable: { type: 'boolean', default: true, help: 'new guests may come' },
  },
})
