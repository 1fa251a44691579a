/** `vm`: a guest, with its vnics in order. */
import { kind, tenant } from '../kind.ts'

export const vm = kind({
  kind: 'vm',
  plural: 'vms',
  summary: 'guests: virtual machines and containers',
  parent: 'account',
  named: true,
  ...tenant,
  quota: 2_000,
  columns: ['type', 'host', 'vnics', 'state'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    type: {
      type: 'choice',
      words: ['kvm', 'container'],
      required: true,
      immutable: true,
      help: 'its vnics are units of type vmnic for kvm, hostif for a container',
    },
    vnics: {
      type: 'list',
      max: 8,
      unique: true,
      default: [],
      of: { type: 'reference', to: 'vnic', help: 'a vnic' },
      help: 'its vnics, in the order in which it sees them; each is in one guest alone',
    },
    sshKeys: {
      type: 'list',
      max: 16,
      default: [],
      of: { type: 'text', max: 2_000, help: 'a key, as authorized_keys has it' },
      help: 'public keys that metadata gives to it',
    },
    userData: { type: 'text', max: 16_384, isFile: true, help: 'user data that metadata gives to it, such as that of cloud-init' },
    host: { type: 'reference', to: 'host', help: 'the host that runs it: its vnics are plugged in there' },
  },
})
