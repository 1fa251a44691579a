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
  columns: ['principal', 'expires', 'state'],
  fields: {
    principal: { type: 'reference', to: 'principal', required: true, immutable: true, within: 'any', help: 'whose it is' },
    expires: { type: 'time', allocated: true, immutable: true, help: 'when it ends: 90 days from now unless given, a year at most' },
  },
})
