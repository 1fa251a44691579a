/** What every resource has besides the fields of its kind. */
import type { Field, Fields } from './field.ts'

/** Fields that users write. */
export const envelopeFields = {
  name: {
    type: 'text',
    max: 63,
    pattern: '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$',
    looks: 'a name',
    help: 'name, unique beside others of its kind',
  },
  description: { type: 'text', max: 512, default: '', help: 'a note for people' },
  protected: { type: 'boolean', default: false, help: 'destroying it is refused' },
} as const satisfies Fields

/** Labels: their keys are the user's. */
export const labelLimits = { count: 64, key: 63, value: 128, bytes: 4096 } as const

/** Fields that the API alone writes. A request may bring them along: it is what a reader got. */
export const readOnlyFields = {
  kind: { type: 'text', max: 32, help: 'what it is' },
  org: { type: 'uuid', help: 'the organisation that it belongs to' },
  account: { type: 'uuid', help: 'the account that it belongs to' },
  vpc: { type: 'uuid', help: 'the vpc that it is in' },
  state: { type: 'text', max: 32, help: 'what it is doing' },
  revision: { type: 'text', max: 20, help: 'the revision of its last change, which is its ETag too' },
  generation: { type: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER, help: 'how often it was changed' },
  created: { type: 'object', fields: {}, help: 'when, by whom, by which request' },
  updated: { type: 'object', fields: {}, help: 'when, by whom, by which request' },
} as const satisfies Readonly<Record<string, Field>>

/** When, by which principal, and by which request something was done. */
export interface Stamp {
  readonly time: string
  readonly by: string
  readonly request: string
}

/** A resource as users see it: envelope and the fields of its kind. */
export interface Resource {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly protected: boolean
  readonly state: string
  readonly revision: string
  readonly generation: number
  readonly created: Stamp
  readonly updated: Stamp
  readonly [field: string]: unknown
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const namePattern = new RegExp(envelopeFields.name.pattern)

/** Is this text an id rather than a name? */
export const isId = (text: string): boolean => uuid.test(text)

/** Is this text a name? One that looks like an id is none. */
export const isName = (text: string): boolean => namePattern.test(text) && !isId(text)

export const nameRule =
  'a name has 1 to 63 small letters, digits and dashes, begins with a letter, does not end with a dash, and is not a UUID'
