/** `flow-log`: what passes vnics is written down, at a place that the operator of the hosts has named. */
import { kind, tenant } from '../kind.ts'

export const flowLog = kind({
  kind: 'flow-log',
  plural: 'flow-logs',
  summary: 'flow logs: records of what passes vnics',
  parent: 'account',
  named: true,
  ...tenant,
  quota: 50,
  columns: ['destination', 'verdict', 'sample', 'vnics', 'subnets'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    vnics: {
      type: 'list',
      max: 100,
      unique: true,
      default: [],
      of: { type: 'reference', to: 'vnic', help: 'a vnic' },
      help: 'vnics whose flows are written',
    },
    subnets: {
      type: 'list',
      max: 100,
      unique: true,
      default: [],
      of: { type: 'reference', to: 'subnet', help: 'a subnet' },
      help: 'subnets: the flows of all their vnics are written',
    },
    destination: {
      type: 'text',
      max: 63,
      pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
      looks: 'a word of lower case letters, digits and dashes',
      required: true,
      help: 'where records go: a name that the operator of the hosts has given to a place',
    },
    verdict: { type: 'choice', words: ['all', 'accepted', 'denied'], default: 'all', help: 'only these flows' },
    sample: { type: 'integer', min: 1, max: 1_000_000, default: 1, help: 'one of so many flows' },
  },
})
