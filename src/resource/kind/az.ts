/** `az`: an availability zone, the failure domain that a tenant names. */
import { fleet, kind } from '../kind.ts'

export const az = kind({
  kind: 'az',
  plural: 'azs',
  summary: 'availability zones of a region: what fails together',
  parent: 'region',
  named: true,
  ...fleet,
  read: 'everybody',
  columns: ['region', 'letter'],
  fields: {
    region: { type: 'reference', to: 'region', required: true, immutable: true, help: 'its region' },
    letter: { type: 'choice', words: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'], required: true, immutable: true, help: 'its letter' },
  },
})
