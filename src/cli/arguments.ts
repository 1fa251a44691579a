/** Parses the words after a command into the values of its options and arguments. */
import { parseArgs } from 'node:util'
import type { Command } from './command.ts'
import { usageFailure } from './failure.ts'
import { kindNames } from '#resource/kind-names.ts'
import { globalOptions, type GlobalValues } from './global-options.ts'
import { nodeAt } from './resolve.ts'
import { suggestion } from '#abi/nearest.ts'
import { longName, type Option, type Options } from './option.ts'

export interface Arguments {
  readonly options: Readonly<Record<string, unknown>>
  readonly global: GlobalValues
  readonly rest: readonly string[]
}

interface Named {
  readonly key: string
  readonly option: Option<unknown>
}

/** The parts of a command that concern its arguments. */
export type Takes = Pick<Command, 'path' | 'options' | 'positionals'>

/** Where more is said. Some words mean a thing of this host, and with `cloud` before them one of a cloud. */
const see = (path: string): string => `see vpc ${path} --help${ofCloud(path)}`

function ofCloud(path: string): string {
  const [first, second = ''] = path.split(' ')
  const isBoth = Object.hasOwn(kindNames, first!) && ['create', 'list', 'get', 'set', 'destroy'].includes(second)
  return isBoth ? `; for a ${first} of a cloud, vpc cloud ${path}` : ''
}

/** What may have been meant by a word that no argument is for. Of a list: one thing of it, or those of a switch. */
function meant({ path, options }: Pick<Takes, 'path' | 'options'>, word: string): string {
  const group = path.replace(/ list$/, '')
  if (group === path || word.includes(' ') || nodeAt([...group.split(' '), 'get']) === undefined) return see(path)
  const filter = options['switchId']?.spec
  const ofSwitch = filter && !filter.isRequired && !filter.isWord ? `, vpc ${path} --switch-id=${word} those of a switch` : ''
  return `vpc ${group} get ${word} shows one${ofSwitch}${ofCloud(path)}`
}

/** Read the arguments of a command. Throws a usage failure that names the command, the option and the problem. */
export function parseArguments(command: Takes, args: readonly string[]): Arguments {
  const known = namesOf({ ...globalOptions, ...command.options })
  const { given, rest } = collect(command, known, args)
  takeIds(command, given, rest)
  const read = (options: Options): Record<string, unknown> =>
    Object.fromEntries(Object.entries(options).map(([key, option]) => [key, given.get(key) ?? option.spec.fallback]))
  const options = read(command.options)
  const missing = Object.entries(command.options).filter(([key, { spec }]) => spec.isRequired && !given.has(key))
  if (missing.length > 0) throw missingOptions(command, missing, surplusOf(command, rest))
  return { options, global: read(globalOptions) as GlobalValues, rest: checkPositionals(command, rest) }
}

/** The options of a command line that are given, by their keys. Throws a usage failure. */
export const givenOptions = (command: Takes, args: readonly string[]): ReadonlyMap<string, unknown> =>
  collect(command, namesOf({ ...globalOptions, ...command.options }), args).given

function namesOf(options: Options): Map<string, Named> {
  return new Map(Object.entries(options).map(([key, option]) => [longName(key, option), { key, option }]))
}

function collect(command: Takes, known: Map<string, Named>, args: readonly string[]): { given: Map<string, unknown>; rest: string[] } {
  const options = Object.fromEntries([...known].map(([name, { option }]) => [name, configOf(option)]))
  const { tokens } = parseArgs({ args: spellOut(known, args), options, strict: false, allowPositionals: true, tokens: true })
  const given = new Map<string, unknown>()
  const rest: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') rest.push(token.value)
    if (token.kind === 'option') take(command, known, token, given)
  }
  return { given, rest }
}

const configOf = ({ spec: { short, placeholder } }: Option<unknown>): { type: 'boolean' | 'string'; short?: string } => ({
  type: placeholder === undefined ? 'boolean' : 'string',
  ...(short && { short }),
})

/** Write `-n=2` as `--num-queues=2`: the original took both, parseArgs takes only the latter. */
function spellOut(known: Map<string, Named>, args: readonly string[]): string[] {
  const names = new Map([...known].map(([name, { option }]) => [option.spec.short, name]))
  const end = args.indexOf('--')
  return args.map((word, i) => {
    const [, letter, value] = end < 0 || i < end ? (/^-(\w)=(.*)$/s.exec(word) ?? []) : []
    const name = letter && names.get(letter)
    return name ? `--${name}=${value}` : word
  })
}

/** Options for ids that may be written without their flags, in order, without those that `given` has. */
export function idWords({ options, positionals }: Pick<Takes, 'options' | 'positionals'>, given?: ReadonlyMap<string, unknown>): string[] {
  if (positionals.some(({ isRest }) => isRest)) return []
  const ids = Object.entries(options).filter(
    ([, { spec }]) => (spec.isRequired || spec.isWord) && typeof spec.completion === 'object' && 'ids' in spec.completion,
  )
  return ids.map(([key]) => key).filter((key) => given?.has(key) !== true)
}

/** Words that stand for ids: `vpc switch destroy red`. */
function takeIds(command: Takes, given: Map<string, unknown>, rest: string[]): void {
  for (const key of idWords(command, given)) {
    const needed = command.positionals.filter(({ isOptional }) => isOptional !== true).length
    if (rest.length <= needed) return
    const read = command.options[key]!.spec.parse(rest.shift()!)
    if (!read.ok) throw usageFailure(`${wordOf(key)}: ${read.problem}`)
    given.set(key, read.value)
  }
}

/** The word of help for an id without its flag: SWITCH for `switchId`. */
export const wordOf = (key: string): string =>
  key
    .replace(/Id$/, '')
    .replace(/[A-Z]/g, (letter) => `-${letter}`)
    .toUpperCase()

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function take(command: Takes, known: Map<string, Named>, token: OptionToken, given: Map<string, unknown>): void {
  const named = known.get(token.name)
  if (named === undefined) {
    if (/^--?f(ile)?$/.test(token.rawName) && command.positionals?.[0]?.name === 'FILE')
      throw usageFailure(`${command.path} takes the file without ${token.rawName}: vpc ${command.path} FILE`)
    const flags = [...known.keys()].map((name) => `--${name}`)
    throw usageFailure(`${command.path} has no option ${token.rawName}${suggestion(token.rawName, flags, see(command.path))}`)
  }
  const { key, option } = named
  const value = valueOf(command, known, token, option)
  const result = value === undefined ? { ok: true as const, value: true } : option.spec.parse(value)
  if (!result.ok) throw usageFailure(`--${token.name}: ${result.problem}`)
  const before = given.get(key)
  if (option.spec.isRepeated) given.set(key, [...((before as unknown[] | undefined) ?? []), result.value])
  else if (before !== undefined && before !== result.value) throw usageFailure(`--${token.name} is given twice, with different values`)
  else given.set(key, result.value)
}

/** The text of the value; undefined for a flag without one. */
function valueOf(command: Takes, known: Map<string, Named>, token: OptionToken, { spec }: Option<unknown>): string | undefined {
  const { rawName, value, inlineValue = false } = token
  if (spec.placeholder === undefined) return inlineValue ? value : undefined
  const isOption = !inlineValue && value !== undefined && value.startsWith('--') && known.has(value.slice(2).split('=')[0]!)
  if (value === undefined || isOption) throw usageFailure(`${rawName} needs a value: ${spec.placeholder} (see vpc ${command.path} --help)`)
  return value
}

/** The first word that no argument is for; undefined when there is none. */
const surplusOf = ({ positionals }: Pick<Takes, 'positionals'>, rest: readonly string[]): string | undefined =>
  positionals.at(-1)?.isRest === true ? undefined : rest[positionals.length]

/** `word`: one that no argument is for, so it may be the value of the option. */
function missingOptions(command: Takes, missing: readonly (readonly [string, Option<unknown>])[], word: string | undefined): Error {
  const names = missing.map(([key, option]) => `--${longName(key, option)}`)
  const last = names.pop()!
  const list = names.length === 0 ? last : `${names.join(', ')} and ${last}`
  const isWord = missing.length === 1 && word !== undefined && missing[0]![1].spec.placeholder !== undefined
  const wayOut = isWord ? `write ${last}=${word}` : missing.length === 1 ? missing[0]![1].spec.wayOut?.() : undefined
  const isId = missing.some(([, { spec }]) => typeof spec.completion === 'object' && 'ids' in spec.completion)
  const hint = isId ? `vpc list shows what there is, ${see(command.path).replace('see ', '')} how to say it` : see(command.path)
  return usageFailure(`${command.path} needs ${list}; ${wayOut ?? hint}`)
}

function checkPositionals({ path, positionals, options }: Takes, rest: readonly string[]): readonly string[] {
  const missing = positionals.find((positional, i) => !positional.isOptional && rest[i] === undefined)
  if (missing !== undefined) throw usageFailure(`${path} needs ${missing.name}: ${missing.help}; see vpc ${path} --help`)
  const surplus = surplusOf({ positionals }, rest)
  if (surplus !== undefined) throw usageFailure(`${path} does not take '${surplus}'; ${meant({ path, options }, surplus)}`)
  return rest
}
