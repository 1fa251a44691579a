/** `account`: the unit of isolation. */
import { kind } from '../kind.ts'

/** Kinds that an account has a quota of. */
export const quotaKinds = [
  'vpc',
  'subnet',
  'vnic',
  'vm',
  'address',
  'group',
  'prefix-list',
  'router',
  'route-table',
  'nat',
  'floating-ip',
  'peering',
] as const

export const account = kind({
  kind: 'account',
  plural: 'accounts',
  summary: 'accounts: each sees its own resources alone',
  parent: 'org',
  named: true,
  cascades: true,
  wall: 'account',
  read: ['viewer', 'operator', 'admin', 'auditor'],
  write: ['admin'],
  status: ['usage'],
  columns: ['org', 'disabled'],
  fields: {
    org: { type: 'reference', to: 'org', required: true, immutable: true, within: 'any', help: 'the organisation that owns it' },
    quotas: {
      type: 'map',
      keys: quotaKinds,
      of: { type: 'integer', min: 0, max: 10_000_000, help: 'how many' },
      default: {},
      help: 'how many of a kind it may have, where that differs from the usual number',
    },
    disabled: { type: 'boolean', default: false, help: 'its tokens are refused' },
  },
})
