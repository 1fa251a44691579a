/** `floating-ip`: a public address of one vnic. */
import { kind, tenant } from '../kind.ts'

export const floatingIp = kind({
  kind: 'floating-ip',
  plural: 'floating-ips',
  summary: 'floating addresses: a public address for one vnic',
  parent: 'account',
  named: true,
  ...tenant,
  quota: 16,
  columns: ['account', 'pool', 'ip', 'target', 'state'],
  status: ['problem'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    pool: { type: 'reference', to: 'pool', required: true, immutable: true, within: 'any', help: 'where it is from' },
    ip: { type: 'ip', family: 4, allocated: true, immutable: true, help: 'the address' },
    target: {
      type: 'object',
      help: 'where its packets go; nowhere, unless given',
      fields: {
        vnic: { type: 'reference', to: 'vnic', required: true, help: 'a vnic' },
        ip: { type: 'ip', family: 4, help: 'an address of the vnic; its first IPv4 address, unless given' },
      },
    },
  },
})
