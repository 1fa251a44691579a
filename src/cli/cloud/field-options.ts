/** Options of commands, made from the fields of a kind; and bodies, made from options. */
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { parseValue } from '#resource/value.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { ofFile } from '../file-text.ts'
import { valueOption, type Completion, type Option, type Options } from '../option.ts'

/** One of many: `addresses` is given as `--address`. */
export function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`
  if (/(ss|x)es$/.test(name)) return name.slice(0, -2)
  return name.endsWith('s') && name !== 'dns' && !name.endsWith('ss') ? name.slice(0, -1) : name
}

const placeholders: Readonly<Record<Field['type'], string>> = {
  text: 'TEXT',
  integer: 'NUMBER',
  boolean: 'true|false',
  choice: '',
  ip: 'ADDRESS',
  network: 'NETWORK',
  range: 'FIRST-LAST',
  ports: 'PORTS',
  mac: 'MAC',
  uuid: 'ID',
  time: 'TIME',
  reference: 'NAME',
  list: '',
  object: 'KEY=VALUE...',
  map: 'KEY=VALUE',
}

/** The key that an option has for a field. */
export function optionKey(name: string, field: Field): string {
  if (isFile(field)) return `${name}File`
  return field.type === 'list' || field.type === 'map' ? singular(name) : name
}

const isFile = (field: Field): boolean => field.type === 'text' && field.isFile === true

/** Options for some fields of a kind. */
export function fieldOptions(fields: Fields, only: (field: Field) => boolean = () => true): Options {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => (only(field) ? [[optionKey(name, field), optionOf(field)] as const] : [])),
  )
}

function optionOf(field: Field): Option<any> {
  if (field.type === 'list') {
    const inner = optionOf(field.of)
    return inner.help(field.help).repeated
  }
  if (isFile(field))
    return valueOption(field.help, { placeholder: 'FILE', parse: ofFile((text) => parseField(field, text)), completion: 'file' })
  const placeholder = field.type === 'choice' ? field.words.join('|') : placeholders[field.type]
  const completion = completionOf(field)
  const help = field.type === 'object' ? `${field.help}: ${keysOf(field.fields).join(', ')}` : field.help
  const option = valueOption<unknown>(help, { placeholder, parse: (text) => parseField(field, text), ...(completion && { completion }) })
  if (field.type === 'map') return option.repeated
  const isPlain = field.default !== undefined && typeof field.default !== 'object'
  return isPlain ? option.defaultsTo(String(field.default)) : option
}

function completionOf(field: Field): Completion | undefined {
  if (field.type === 'choice') return { words: field.words }
  if (field.type === 'reference') return { names: field.to }
  return field.type === 'boolean' ? { words: ['true', 'false'] } : undefined
}

/** What may stand before the `=`. The fields of a list of choices, such as peers, stand for themselves. */
const keysOf = (fields: Fields): string[] =>
  Object.entries(fields).flatMap(([name, field]) =>
    field.type === 'list' && field.of.type === 'object' ? keysOf(field.of.fields) : [name],
  )

function parseField(field: Field, text: string): Result<unknown> {
  switch (field.type) {
    case 'integer': {
      const number = /^\d+$/.test(text) ? Number(text) : NaN
      return number >= field.min && number <= field.max
        ? success(number)
        : failure(`'${text}' is not a whole number from ${field.min} to ${field.max}`)
    }
    case 'boolean':
      return text === 'true' || text === 'false' ? success(text === 'true') : failure(`'${text}' is neither true nor false`)
    case 'object':
      return parseObject(field.fields, text)
    case 'map':
      return parsePair(field, text)
    case 'list':
      return parseItems(field, text)
    default:
      return parseValue(field, text)
  }
}

function parseItems({ of }: Extract<Field, { type: 'list' }>, text: string): Result<unknown[]> {
  const items: unknown[] = []
  for (const word of text.split(',')) {
    const item = parseField(of, word)
    if (!item.ok) return item
    items.push(item.value)
  }
  return success(items)
}

function parsePair({ keys, of }: Extract<Field, { type: 'map' }>, text: string): Result<readonly [string, unknown]> {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  if (!keys.includes(key)) return failure(`'${text}' is not KEY=VALUE with one of ${keys.join(', ')}`)
  const parsed = parseField(of, value)
  return parsed.ok ? success([key, parsed.value]) : parsed
}

/** `direction=in protocol=tcp ports=80,443 group=app`, or JSON. */
function parseObject(fields: Fields, text: string): Result<unknown> {
  if (text.startsWith('{')) {
    try {
      return success(JSON.parse(text) as unknown)
    } catch (error) {
      return failure(`it is not JSON: ${(error as Error).message}`)
    }
  }
  const object: Record<string, unknown> = {}
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [, key = word, value = ''] = /^([^=]*)=(.*)$/s.exec(word) ?? []
    const place = placeOf(fields, key)
    if (place === undefined) return failure(`'${key}' is none of ${keysOf(fields).join(', ')}; write KEY=VALUE with spaces between`)
    const parsed = parseField(place.field, value)
    if (!parsed.ok) return failure(`${key}: ${parsed.problem}`)
    if (place.list === undefined) object[key] = parsed.value
    else object[place.list] = [...((object[place.list] ?? []) as unknown[]), { [key]: parsed.value }]
  }
  return success(object)
}

/** The field of a key; with the list that an object of it alone is added to. */
function placeOf(fields: Fields, key: string): { field: Field; list?: string } | undefined {
  if (Object.hasOwn(fields, key)) return { field: fields[key]! }
  for (const [list, field] of Object.entries(fields))
    if (field.type === 'list' && field.of.type === 'object' && Object.hasOwn(field.of.fields, key))
      return { field: field.of.fields[key]!, list }
  return undefined
}

/** The body that options ask for: what was not given is not there. */
export function bodyOf({ fields }: Kind, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = values[optionKey(name, field)]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    body[name] = field.type === 'map' ? Object.fromEntries(value as [string, unknown][]) : value
  }
  return body
}
