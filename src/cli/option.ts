/** Options of commands as data: the form of an option, and how its text becomes a value. */
import { failure, success, type Result } from '#wire/result.ts'

/** Completions after the option; the script looks ids, names and interfaces up at the key press. */
export type Completion =
  | 'file'
  | 'directory'
  | 'interface'
  | { readonly words: readonly string[] }
  | { readonly ids: readonly string[] }
  /** Names of things of the cloud, of a kind. */
  | { readonly names: string }

/** An option, without the type of its value. */
export interface OptionSpec {
  /** Its help: a phrase, lower case, no full stop. */
  readonly help: string
  /** One letter, without the dash. */
  readonly short?: string | undefined
  /** Name without the dashes, if it is not the key in kebab-case. */
  readonly long?: string | undefined
  /** Placeholder of the value in help texts; a flag has none and takes no value. */
  readonly placeholder?: string | undefined
  readonly isRequired: boolean
  readonly isRepeated: boolean
  /** An id that may be written without its flag although it may be left out: `vpc switch port list red`. */
  readonly isWord?: boolean | undefined
  /** Value when the option is not given, as text for help. */
  readonly defaultText?: string | undefined
  readonly fallback?: unknown
  readonly completion?: Completion | undefined
  /** For a missing required option: what to do. */
  readonly wayOut?: (() => string) | undefined
  /** The value, or a phrase about the problem of the text. */
  readonly parse: (text: string) => Result<unknown>
}

declare const optionValue: unique symbol

/** An option whose value is of type T. Immutable: each modifier returns a new one. */
export class Option<T> {
  declare readonly [optionValue]: T
  readonly spec: OptionSpec

  constructor(spec: OptionSpec) {
    this.spec = spec
  }

  /** Leaving it out is an error. */
  get required(): Option<Exclude<T, undefined>> {
    return new Option({ ...this.spec, isRequired: true })
  }

  /** An id that may be left out, and be written without its flag. */
  get word(): Option<T> {
    return new Option({ ...this.spec, isWord: true })
  }

  /** May be given any number of times; the value is an array. */
  get repeated(): Option<Exclude<T, undefined>[]> {
    return new Option({ ...this.spec, isRepeated: true, fallback: [] })
  }

  /** The value when it is not given. */
  default(value: Exclude<T, undefined>, text = String(value)): Option<Exclude<T, undefined>> {
    return new Option({ ...this.spec, fallback: value, defaultText: text })
  }

  /** The default, only for help. */
  defaultsTo(text: string): Option<T> {
    return new Option({ ...this.spec, defaultText: text })
  }

  /** Accept the value in any case, and make it lower case. */
  get foldingCase(): Option<T> {
    return new Option({ ...this.spec, parse: (value) => this.spec.parse(value.toLowerCase()) })
  }

  /** The same option with another letter, or none. */
  short(letter: string | undefined): Option<T> {
    return new Option({ ...this.spec, short: letter })
  }

  /** The same option with another help text. */
  help(help: string): Option<T> {
    return new Option({ ...this.spec, help })
  }

  /** The remedy in the error when it is required but missing. */
  orElse(wayOut: () => string): Option<T> {
    return new Option({ ...this.spec, wayOut })
  }
}

export type Options = Readonly<Record<string, Option<any>>>
export type OptionValues<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never }

/** `switchId` is written `--switch-id`. */
export const longName = (key: string, { spec }: Option<unknown>): string =>
  spec.long ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

interface ValueOption<T> {
  readonly placeholder: string
  readonly parse: (text: string) => Result<T>
  readonly completion?: Completion
}

/** An option with a value of another kind. */
export const valueOption = <T>(help: string, { placeholder, parse, completion }: ValueOption<T>): Option<T | undefined> =>
  new Option({ help, placeholder, parse, completion, isRequired: false, isRepeated: false })

function parseBoolean(text: string): Result<boolean> {
  if (text === 'true') return success(true)
  if (text === 'false') return success(false)
  return failure(`'${text}' is neither true nor false; a flag needs no value`)
}

/** A flag: false by default. `--flag=false` resets it. */
export const flag = (help: string): Option<boolean> =>
  new Option({ help, isRequired: false, isRepeated: false, fallback: false, parse: parseBoolean })

/** A flag without a default. */
export const toggle = (help: string): Option<boolean | undefined> =>
  new Option({ help, isRequired: false, isRepeated: false, parse: parseBoolean })

/** Any text but the empty one. */
export const text = (help: string, placeholder: string, completion?: Completion): Option<string | undefined> =>
  valueOption(help, {
    placeholder,
    parse: (value) => (value === '' ? failure('the value is empty') : success(value)),
    ...(completion && { completion }),
  })

/** One of a few words. */
export const choice = <const W extends string>(help: string, words: readonly W[]): Option<W | undefined> =>
  valueOption(help, {
    placeholder: words.join('|'),
    completion: { words },
    parse: (value) => (words.includes(value as W) ? success(value as W) : failure(`'${value}' is not one of ${words.join(', ')}`)),
  })

/** A whole number in a range, decimal or 0x hexadecimal. */
export const integer = (help: string, placeholder: string, min: number, max: number): Option<number | undefined> =>
  valueOption(help, {
    placeholder,
    parse: (value) => {
      const number = /^(\d+|0x[\da-f]+)$/i.test(value) ? Number(value) : NaN
      return number >= min && number <= max ? success(number) : failure(`'${value}' is not a whole number from ${min} to ${max}`)
    },
  })
