/** `org`: owns accounts. Administrative only. */
import { kind } from '../kind.ts'

export const org = kind({
  kind: 'org',
  plural: 'orgs',
  summary: 'organisations: each owns accounts',
  named: true,
  wall: 'org',
  read: ['viewer', 'operator', 'admin', 'auditor'],
  write: ['admin'],
  columns: [],
  fields: {},
})
