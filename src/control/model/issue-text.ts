/** What is wrong with a value that a schema refuses, in words of this project. */
import type { z } from 'zod'

/** A field that is needed is not there. */
export const missing = 'it is missing'

const types: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const units: Readonly<Record<string, string>> = { string: 'character', array: 'item' }

/** `1280`, `1 item`, `2 characters`. */
const amount = (count: number | bigint, origin: string): string =>
  units[origin] === undefined ? String(count) : `${count} ${units[origin]}${Number(count) === 1 ? '' : 's'}`

const shown = (input: unknown): string => (typeof input === 'number' ? `${input} is ` : 'it is ')

/** Undefined: the schema's own words. */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) return missing
  switch (issue.code) {
    case 'invalid_type':
      return `it must be ${types[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `it must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `${shown(issue.input)}too ${units[issue.origin] === undefined ? 'small' : 'short'}; at least ${amount(issue.minimum, issue.origin)}`
    case 'too_big':
      return `${shown(issue.input)}too ${units[issue.origin] === undefined ? 'large' : 'long'}; at most ${amount(issue.maximum, issue.origin)}`
    default:
      return undefined
  }
}
