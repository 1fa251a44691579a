/** `placement`: what a subnet is in a facility: one VNI. */
import { fleet, kind } from '../kind.ts'

export const placement = kind({
  kind: 'placement',
  plural: 'placements',
  summary: 'placements: the VNI of a subnet in a facility',
  parent: 'subnet',
  named: false,
  ...fleet,
  owned: true,
  columns: ['subnet', 'facility', 'vni', 'vlan'],
  fields: {
    subnet: { type: 'reference', to: 'subnet', required: true, immutable: true, within: 'any', help: 'the subnet' },
    facility: { type: 'reference', to: 'facility', required: true, immutable: true, help: 'the facility' },
    vni: { type: 'integer', min: 1, max: 16_777_215, allocated: true, immutable: true, help: 'its VNI there' },
    vlan: { type: 'integer', min: 0, max: 4094, default: 0, help: 'its tag on an uplink; 0 is none' },
  },
})
