/** `role-binding`: gives a principal a role, at one level. */
import { access, kind, roles } from '../kind.ts'

export const roleBinding = kind({
  kind: 'role-binding',
  plural: 'role-bindings',
  summary: 'role bindings: what principals may do, and where',
  parent: 'principal',
  named: false,
  ...access,
  owned: true,
  columns: ['principal', 'role', 'org', 'account', 'vpc'],
  fields: {
    principal: { type: 'reference', to: 'principal', required: true, immutable: true, within: 'any', help: 'who gets the role' },
    role: { type: 'choice', words: roles, required: true, immutable: true, help: 'what it may do' },
    org: { type: 'reference', to: 'org', immutable: true, within: 'any', help: 'in this organisation' },
    account: { type: 'reference', to: 'account', immutable: true, within: 'any', help: 'in this account' },
    vpc: { type: 'reference', to: 'vpc', immutable: true, within: 'any', help: 'in this vpc alone' },
  },
})
