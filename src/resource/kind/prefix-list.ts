/** `prefix-list`: networks that rules name as one peer. */
import { kind, tenant } from '../kind.ts'

export const prefixList = kind({
  kind: 'prefix-list',
  plural: 'prefix-lists',
  summary: 'prefix lists: networks that rules name as one',
  parent: 'account',
  named: true,
  ...tenant,
  quota: 100,
  columns: ['account', 'entries'],
  status: ['problem'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    entries: { type: 'list', max: 1000, unique: true, of: { type: 'network', help: 'a network' }, default: [], help: 'its networks' },
  },
})
