/** `principal`: a person or program that has tokens and roles. */
import { access, kind } from '../kind.ts'

export const principal = kind({
  kind: 'principal',
  plural: 'principals',
  summary: 'principals: people and programs that use the API',
  parent: 'account',
  named: true,
  ...access,
  columns: ['account', 'disabled'],
  fields: {
    account: { type: 'reference', to: 'account', immutable: true, within: 'any', help: 'its account; none for those who run the cloud' },
    disabled: { type: 'boolean', default: false, help: 'its tokens are refused' },
  },
})
