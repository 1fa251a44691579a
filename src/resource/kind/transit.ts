/** `transit`: how hosts of one facility send packets to those of another. Tenants do not see it. */
import { fleet, kind } from '../kind.ts'

export const transit = kind({
  kind: 'transit',
  plural: 'transits',
  summary: 'transits: each carries packets from one facility to another',
  named: true,
  ...fleet,
  columns: ['from', 'to', 'mode', 'mtu', 'state'],
  fields: {
    from: { type: 'reference', to: 'facility', required: true, immutable: true, help: 'whose hosts send' },
    to: {
      type: 'reference',
      to: 'facility',
      required: true,
      immutable: true,
      help: 'whose hosts receive; the way back is a transit of its own',
    },
    mode: {
      type: 'choice',
      words: ['plain', 'ipsec'],
      default: 'plain',
      help: 'ipsec: hosts send to the other facility, and take packets of it, under IPsec alone',
    },
    mtu: { type: 'integer', min: 1280, max: 9216, help: 'largest packet of the underlay on the way; as the network says, unless given' },
  },
})
