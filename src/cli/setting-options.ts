/** Options of `vpc … set` for the settings that src/abi/settings.ts declares: each by its kind, with its help. */
import type { ObjectInfo } from '#abi/info.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Setting as Declared } from '#abi/setting.ts'
import { keyOf, settingsOf, type OwnNames } from '#abi/settings.ts'
import type { Descriptor } from '#client/descriptor.ts'
import { usageFailure } from './failure.ts'
import type { Result } from '#wire/result.ts'
import { parseGiven } from './given-name.ts'
import { ofFile } from './file-text.ts'
import { flag, longName, Option, valueOption, type Options } from './option.ts'
import { setting, type Setting } from './setting.ts'

/** The settings of a type with operations of their own, except those with other options in the command. */
const offered = (type: UnitType, but: readonly string[]): [name: string, setting: Declared<unknown, unknown>][] =>
  settingsOf(type).filter(([name, { get }]) => get !== undefined && !but.includes(name))

/** The options, by the keys that `settingsAsked` uses. */
export function settingOptions<T extends UnitType>(type: T, { but = [] }: { readonly but?: readonly OwnNames<T>[] } = {}): Options {
  const found: Record<string, Option<any>> = {}
  for (const [name, declared] of offered(type, but)) {
    const { kind, help, option } = declared
    const { placeholder, words, isList, isFile, ids, parse: parseText } = kind.text
    const ofName = (text: string): Result<unknown> => parseGiven(text, ids!)
    const parse = ids !== undefined ? ofName : isFile === true ? ofFile(parseText, ['none']) : parseText
    const plain = valueOption(help, {
      placeholder,
      parse,
      ...(words && { completion: { words } }),
      ...(ids && { completion: { ids } }),
      ...(isFile && { completion: 'file' as const }),
    })
    const { spec } = isList ? plain.repeated : plain
    const long = longOf(name, declared)
    found[name] = new Option({ ...spec, long, ...(option?.short !== undefined && { short: option.short }) })
    if (isList) found[noneOf(name)] = new Option({ ...flag(option?.none ?? `have no ${long}`).spec, long: `no-${long}` })
  }
  return found
}

const longOf = (name: string, { key, option }: Declared<unknown, unknown>): string => option?.name ?? keyOf(name, { key })
const noneOf = (name: string): string => `${name}None`

/** The given ones. A list is compared as a set. */
export function settingsAsked<T extends UnitType>(
  type: T,
  values: Readonly<Record<string, unknown>>,
  { but = [] }: { readonly but?: readonly OwnNames<T>[] } = {},
): Setting<any, any>[] {
  return offered(type, but).flatMap(([name, declared]) => {
    const isList = declared.kind.text.isList === true
    const asked = isList ? listAsked(longOf(name, declared), values[name] as string[], values[noneOf(name)] === true) : values[name]
    const is = (info: ObjectInfo): any => {
      const value = (info as unknown as Readonly<Record<string, any>>)[name]
      return isList ? value.toSorted() : value
    }
    const method = `set${name.charAt(0).toUpperCase()}${name.slice(1)}`
    return setting<Descriptor, ObjectInfo, any>(keyOf(name, declared), asked, is, (object, value) => (object as any)[method](value))
  })
}

function listAsked(long: string, given: readonly string[], none: boolean): readonly string[] | undefined {
  if (none && given.length > 0) throw usageFailure(`--${long} and --no-${long} exclude each other`)
  return none || given.length > 0 ? [...new Set(given)].toSorted() : undefined
}

/** Refuse a command that asks for nothing. */
export function checkAsked(settings: readonly unknown[], options: Options, besides: readonly string[] = []): void {
  if (settings.length > 0) return
  const names = [...Object.entries(options).map(([key, option]) => longName(key, option)), ...besides].map((name) => `--${name}`)
  throw usageFailure(`nothing to set; give ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`)
}
