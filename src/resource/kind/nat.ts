/** `nat`: public addresses that many vnics share. */
import { kind, tenant } from '../kind.ts'

export const nat = kind({
  kind: 'nat',
  plural: 'nats',
  summary: 'NATs: public addresses that vnics of a vpc share',
  parent: 'vpc',
  named: true,
  ...tenant,
  quota: 16,
  columns: ['vpc', 'pool', 'publicIps'],
  status: ['problem'],
  fields: {
    vpc: { type: 'reference', to: 'vpc', required: true, immutable: true, within: 'any', help: 'its vpc' },
    pool: { type: 'reference', to: 'pool', required: true, immutable: true, within: 'any', help: 'where its addresses are from' },
    publicIps: {
      type: 'list',
      min: 1,
      max: 8,
      unique: true,
      of: { type: 'ip', family: 4, help: 'an address' },
      allocated: true,
      help: 'its addresses; one of the pool, unless given',
    },
  },
})
