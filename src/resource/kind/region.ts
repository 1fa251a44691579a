/** `region`: geography. */
import { fleet, kind } from '../kind.ts'

export const region = kind({
  kind: 'region',
  plural: 'regions',
  summary: 'regions: places with low latency inside',
  named: true,
  ...fleet,
  read: 'everybody',
  columns: [],
  fields: {},
})
