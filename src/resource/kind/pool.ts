/** `pool`: public addresses of a facility. */
import { fleet, kind } from '../kind.ts'

export const pool = kind({
  kind: 'pool',
  plural: 'pools',
  summary: 'pools: public addresses of a facility',
  parent: 'facility',
  named: true,
  ...fleet,
  columns: ['facility', 'prefix', 'use', 'accounts'],
  fields: {
    facility: { type: 'reference', to: 'facility', required: true, immutable: true, help: 'where packets for them arrive' },
    prefix: { type: 'network', family: 4, min: 8, max: 32, required: true, immutable: true, help: 'the addresses' },
    use: { type: 'choice', words: ['both', 'floating', 'snat'], default: 'both', help: 'what they are for' },
    accounts: {
      type: 'list',
      max: 64,
      unique: true,
      of: { type: 'reference', to: 'account', within: 'any', help: 'an account' },
      default: [],
      help: 'who may use it; all, unless given',
    },
  },
})
