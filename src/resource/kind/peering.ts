/** `peering`: joins two vpcs, once both accounts agree. One object stands for both directions. */
import { kind, tenant } from '../kind.ts'

export const peering = kind({
  kind: 'peering',
  plural: 'peerings',
  summary: 'peerings: each joins two vpcs',
  parent: 'vpc',
  named: true,
  ...tenant,
  quota: 32,
  columns: ['vpc', 'peerVpc', 'state'],
  fields: {
    vpc: { type: 'reference', to: 'vpc', required: true, immutable: true, within: 'any', help: 'the vpc of the account that asks' },
    peerVpc: { type: 'uuid', required: true, immutable: true, help: 'id of the other vpc, of this or another account' },
    accepted: { type: 'boolean', default: false, help: "set by an operator of the other vpc's account" },
  },
})
