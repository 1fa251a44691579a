/** What somebody is writing: a body for the API, with texts where the API wants texts. Pure functions. */
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import type { Resource } from './api.ts'

export type Draft = Readonly<Record<string, unknown>>

/** Fields that a form asks for, besides those of the kind. */
export const envelope: Fields = {
  description: { type: 'text', max: 512, help: 'a note for people' },
  labels: { type: 'map', keys: [], of: { type: 'text', max: 128, help: '' }, help: 'words for selecting' },
  protected: { type: 'boolean', default: false, help: 'destroying it is refused' },
}

/** A draft of what is there; `textOf` gives the words for a reference. */
export function draftOf(kind: Kind, resource: Resource, textOf: (kind: string, id: string) => string): Draft {
  const fields = Object.entries({ ...kind.fields, ...envelope }).map(([name, field]) => [name, spoken(field, resource[name], textOf)])
  return { name: resource.name ?? '', ...Object.fromEntries(fields) }
}

/** A value with words for ids. */
export function spoken(field: Field, value: unknown, textOf: (kind: string, id: string) => string): unknown {
  if (value === null || value === undefined) return undefined
  if (field.type === 'reference') return textOf(field.to, String(value))
  if (field.type === 'list') return (value as unknown[]).map((each) => spoken(field.of, each, textOf))
  if (field.type !== 'object') return value
  const given = value as Draft
  return Object.fromEntries(
    Object.keys(given).map((name) => [name, field.fields[name] ? spoken(field.fields[name], given[name], textOf) : given[name]]),
  )
}

/** Without what somebody has left empty. Places of lists stay as they are shown. */
export function filled(value: unknown): unknown {
  if (value === '' || value === null) return undefined
  if (Array.isArray(value)) return value.map(filled).filter((each) => each !== undefined)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (filled(each) === undefined ? [] : [[name, filled(each)]])))
}

/** The body of a change: what differs, and null for what was taken out. */
export function patchOf(before: Draft, after: Draft): Draft {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changes = names.flatMap((name) => {
    const [was, is] = [filled(before[name]), filled(after[name])]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    return [[name, name === 'labels' ? labelPatch(was as Draft, is as Draft) : (is ?? null)]]
  })
  return Object.fromEntries(changes)
}

/** Keys that were taken out are null in a merge patch. */
const labelPatch = (was: Draft = {}, is: Draft = {}): Draft => ({
  ...Object.fromEntries(Object.keys(was).map((key) => [key, null])),
  ...is,
})

/** What a new part of a list or an object begins with. */
export function blank(field: Field): unknown {
  if (field.default !== undefined) return field.default
  if (field.type === 'object') {
    // What has a value before anybody chooses: defaults, and the first word of a choice that must be made.
    const begun = ([, each]: readonly [string, Field]): boolean =>
      each.default !== undefined || (each.type === 'choice' && each.required === true)
    const members = Object.entries(field.fields).filter(begun)
    return Object.fromEntries(members.map(([name, each]) => [name, blank(each)]))
  }
  if (field.type === 'list' || field.type === 'map') return field.type === 'list' ? [] : {}
  return field.type === 'choice' && field.required ? field.words[0] : ''
}

/** What an input asks for, in a few words. */
export function looksOf(field: Field): string {
  switch (field.type) {
    case 'ip':
      return field.family === 6 ? 'fd00::5' : field.family === 4 ? '10.0.0.5' : '10.0.0.5 or fd00::5'
    case 'network':
      return field.auto ? 'auto, or fd00::/64' : field.family === 6 ? 'fd00::/64' : '10.0.0.0/24'
    case 'range':
      return '10.0.0.5, or 10.0.0.5-10.0.0.9'
    case 'ports':
      return '443, or 8000-8080'
    case 'mac':
      return '02:00:00:00:00:01'
    case 'uuid':
      return 'a UUID'
    case 'time':
      return '2027-01-31T12:00:00Z'
    case 'integer':
      return `${field.min} to ${field.max}`
    default:
      return ''
  }
}

/** What happens when nothing is given. */
export function emptyText(field: Field): string {
  if (field.required) return ''
  if (field.allocated) return 'chosen when left empty'
  return field.default === undefined || typeof field.default === 'object' ? '' : `${String(field.default)} unless given`
}
