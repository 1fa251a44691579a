/** `token`: a secret that stands for a principal. The store holds its SHA-256 alone. */
import { access, kind } from '../kind.ts'

export const token = kind({
  kind: 'token',
  plural: 'tokens',
  summary: 'tokens: secrets that stand for a principal',
  parent: 'principal',
  named: false,
  ...access,
  owned: true,
  status: ['lastUsed'],
  columns: ['principal', 'expires', 'lastUsed', 'state'],
  fields: {
    principal: { type: 'reference', to: 'principal', required: true, immutable: true, within: 'any', help: 'whose it is' },
    sources: {
      type: 'list',
      max: 16,
      unique: true,
      of: { type: 'network', help: 'a network' },
      default: [],
      help: 'networks that it may be used from; everywhere, unless given',
    },
    expires: { type: 'time', allocated: true, immutable: true, help: 'when it ends: 90 days from now unless given, a year at most' },
  },
})
