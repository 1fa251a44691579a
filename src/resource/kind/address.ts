/** `address`: an address of a subnet that is kept for whoever asks for it by name. */
import { kind, tenant } from '../kind.ts'

export const address = kind({
  kind: 'address',
  plural: 'addresses',
  summary: 'addresses: each keeps an address of a subnet until a vnic asks for it',
  parent: 'subnet',
  named: false,
  ...tenant,
  quota: 1024,
  columns: ['subnet', 'ip', 'state'],
  fields: {
    subnet: { type: 'reference', to: 'subnet', required: true, immutable: true, within: 'any', help: 'its subnet' },
    ip: { type: 'ip', allocated: true, immutable: true, help: 'the address; a free IPv4 address if the subnet has some, unless given' },
  },
})
