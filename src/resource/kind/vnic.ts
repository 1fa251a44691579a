/** `vnic`: a network interface. */
import { kind, tenant } from '../kind.ts'

export const vnic = kind({
  kind: 'vnic',
  plural: 'vnics',
  summary: 'vnics: network interfaces of guests',
  parent: 'account',
  named: false,
  status: ['binding', 'problem'],
  ...tenant,
  quota: 10_000,
  columns: ['subnet', 'mac', 'addresses', 'groups', 'state'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    subnet: { type: 'reference', to: 'subnet', required: true, help: 'the subnet that it is in' },
    mac: { type: 'mac', allocated: true, immutable: true, help: 'its MAC address' },
    addresses: {
      type: 'list',
      max: 16,
      unique: true,
      of: { type: 'ip', help: 'an address' },
      allocated: true,
      help: 'its addresses; one of each network of the subnet, unless given',
    },
    allowedPrefixes: {
      type: 'list',
      max: 16,
      unique: true,
      of: { type: 'network', help: 'a network' },
      default: [],
      help: 'networks that it may send from besides',
    },
    groups: {
      type: 'list',
      max: 16,
      unique: true,
      of: { type: 'reference', to: 'group', help: 'a group' },
      allocated: true,
      help: "its groups; the account's group `default`, unless given",
    },
    antispoof: { type: 'boolean', default: true, help: 'it may send from its own addresses alone' },
    mtu: { type: 'integer', min: 1280, max: 9216, help: 'its MTU; what the vpc has, unless given' },
    queues: { type: 'integer', min: 1, max: 256, default: 1, help: 'pairs of queues' },
    dhcpHostname: {
      type: 'text',
      max: 63,
      pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
      looks: 'a host name in lower case',
      help: 'its host name, in DNS and metadata; that of its guest, or its own, unless given',
    },
  },
})
