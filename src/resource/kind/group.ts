/** `group`: a security group with its rules. */
import { kind, tenant } from '../kind.ts'

export const group = kind({
  kind: 'group',
  plural: 'groups',
  summary: 'security groups: who may talk to whom',
  parent: 'account',
  named: true,
  ...tenant,
  quota: 512,
  columns: ['account', 'rules'],
  status: ['problem'],
  fields: {
    account: { type: 'reference', to: 'account', required: true, immutable: true, within: 'any', help: 'who owns it' },
    rules: {
      type: 'list',
      max: 256,
      default: [],
      help: 'what may pass; nothing else does',
      of: {
        type: 'object',
        help: 'a rule',
        fields: {
          id: { type: 'uuid', allocated: true, help: 'its id, which drop events name' },
          direction: { type: 'choice', words: ['in', 'out'], required: true, help: 'seen from the vnic' },
          protocol: { type: 'choice', words: ['any', 'tcp', 'udp', 'sctp', 'icmp'], default: 'any', help: 'what it carries' },
          ports: {
            type: 'list',
            max: 16,
            of: { type: 'ports', help: 'ports' },
            default: [],
            help: 'ports of the destination; all, unless given',
          },
          icmp: {
            type: 'object',
            help: 'which messages of ICMP',
            fields: {
              type: { type: 'integer', min: 0, max: 255, required: true, help: 'type' },
              code: { type: 'integer', min: 0, max: 255, help: 'code' },
            },
          },
          peers: {
            type: 'list',
            max: 16,
            default: [],
            help: 'who is at the other end; everybody, unless given',
            of: {
              type: 'object',
              help: 'a peer',
              exactlyOneOf: ['cidr', 'group', 'vpc', 'subnet', 'az', 'prefixList'],
              fields: {
                cidr: { type: 'network', help: 'a network' },
                group: { type: 'reference', to: 'group', help: 'members of a group' },
                vpc: { type: 'reference', to: 'vpc', help: 'vnics of a vpc' },
                subnet: { type: 'reference', to: 'subnet', help: 'vnics of a subnet' },
                az: { type: 'reference', to: 'az', help: 'vnics in a zone' },
                prefixList: { type: 'reference', to: 'prefix-list', help: 'a list of networks' },
              },
            },
          },
          note: { type: 'text', max: 128, help: 'what it is for' },
        },
      },
    },
  },
})
