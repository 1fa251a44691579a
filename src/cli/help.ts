/** What `--help` prints, for a command and for a group, from the table. */
import { idWords, wordOf } from './arguments.ts'
import type { Command } from './command.ts'
import { exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { summaryOf, type Entry } from './load.ts'
import { longName, type Option, type Options } from './option.ts'
import { nodeAt } from './resolve.ts'
import type { Style } from './style.ts'
import { isGroup, titles, type Group } from './tree.ts'

const columns = 100

/** `-n, --num-queues N`. */
export function flagText(key: string, option: Option<unknown>): string {
  const { short, placeholder } = option.spec
  return `${short ? `-${short}, ` : '    '}--${longName(key, option)}${placeholder === undefined ? '' : ` ${placeholder}`}`
}

/** What an option is for, with what help adds to it. */
export function optionNote({ spec }: Option<unknown>): string {
  const notes = [
    ...(spec.isRequired ? ['required'] : []),
    ...(spec.isRepeated ? ['may be repeated'] : []),
    ...(spec.defaultText === undefined ? [] : [`default: ${spec.defaultText}`]),
  ]
  return notes.length === 0 ? spec.help : `${spec.help} (${notes.join('; ')})`
}

/** Ids without their flags, as arguments. */
export const idArguments = (command: Command): [name: string, help: string][] =>
  idWords(command).map((key) => {
    const option = command.options[key]!
    return [wordOf(key), `${option.spec.help}: its name, unit name, id or the beginning of that (or --${longName(key, option)})`]
  })

/** `vpc switch port add SWITCH [NAME] [options]`. */
export function usageLine(command: Command): string {
  const { path, options, positionals } = command
  const ids = idWords(command)
  const required = Object.entries(options).filter(([key, { spec }]) => spec.isRequired && !ids.includes(key))
  const rest = Object.keys(options).length > required.length + ids.length ? ['[options]'] : []
  const flags = required.map(([key, option]) => flagText(key, option.short(undefined)).trim())
  const words = positionals.map(({ name, isOptional, isRest }) => {
    const word = isRest ? `-- ${name}...` : name
    return isOptional ? `[${word}]` : word
  })
  return [
    'vpc',
    path,
    ...ids.map((key) => (options[key]!.spec.isRequired ? wordOf(key) : `[${wordOf(key)}]`)),
    ...words.filter(() => ids.length > 0),
    ...flags,
    ...rest,
    ...words.filter(() => ids.length === 0),
  ].join(' ')
}

/** All ways to write the last word of a command and of its groups: `vpc switch|sw port|po add|create`. */
export function spellings(path: readonly string[]): string {
  const words = path.map((name, i) => [name, ...(nodeAt(path.slice(0, i + 1))?.aliases ?? [])].join('|'))
  return ['vpc', ...words].join(' ')
}

const hasAliases = (path: readonly string[]): boolean => path.some((_, i) => (nodeAt(path.slice(0, i + 1))?.aliases.length ?? 0) > 0)

export const sentence = (phrase: string): string => `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}.`

/** The names of the global options; what they mean stands on the page of vpc itself. */
function alsoTaken(style: Style): string {
  const names = Object.entries(globalOptions as Options).map(([key, option]) => `--${longName(key, option)}`)
  return style.dim(wrap(`Every command also takes ${names.join(', ')}: see vpc --help.`, 0))
}

/** Help of one command. */
export function commandHelp(command: Command, style: Style): string {
  const { path, summary, description, options, positionals, examples } = command
  const names = path.split(' ')
  return sections([
    sentence(summary),
    section('Usage', style, [`  ${usageLine(command)}`]),
    ...(description ? [wrap(description, 0)] : []),
    section(
      'Arguments',
      style,
      twoColumns([...idArguments(command), ...positionals.map(({ name, help }): [string, string] => [name, help])]),
    ),
    section('Options', style, optionLines(options)),
    alsoTaken(style),
    hasAliases(names) ? section('Spellings', style, [`  ${spellings(names)}`]) : '',
    section(
      'Examples',
      style,
      examples.flatMap(({ line, does }) => [style.dim(`  # ${does}`), `  ${line}`]),
    ),
  ])
}

/** Help of a group, or of vpc itself: its commands and groups. */
export async function groupHelp(group: Group, path: readonly string[], style: Style): Promise<string> {
  const rows = await Promise.all(
    Object.entries(group.children).map(async ([name, node]): Promise<[string, string]> => {
      const summary = isGroup(node) ? node.summary : await summaryOf([...path, name])
      return [name, summary + (node.aliases.length > 0 ? ` (also: ${node.aliases.join(', ')})` : '')]
    }),
  )
  const name = ['vpc', ...path].join(' ')
  return sections([
    sentence(group.summary),
    section('Usage', style, [`  ${name} COMMAND [options]`]),
    ...commandSections(rows, path.length === 0, style),
    path.length > 0 ? alsoTaken(style) : section('Global options', style, optionLines(globalOptions)),
    path.length > 0 ? '' : section('Exit codes', style, twoColumns(exitStatus.map(([code, means]) => [String(code), means]))),
    `${name} COMMAND --help shows more about a command.`,
  ])
}

/** The commands of a group; those of vpc itself in parts, the most used first. */
function commandSections(rows: readonly (readonly [string, string])[], isRoot: boolean, style: Style): string[] {
  if (!isRoot) return [section('Commands', style, twoColumns(rows))]
  const starts = rows.flatMap(([name], i) => (Object.hasOwn(titles, name) ? [i] : []))
  return starts.map((start, i) => section(titles[rows[start]![0]]!, style, twoColumns(rows.slice(start, starts[i + 1]))))
}

/** The commands among entries. */
export const commandsOf = (entries: readonly Entry[]): Command[] =>
  entries.flatMap(({ command }) => (command === undefined ? [] : [command]))

const sections = (texts: readonly string[]): string => `${texts.filter((text) => text !== '').join('\n\n')}\n`

const section = (title: string, style: Style, lines: readonly string[]): string =>
  lines.length === 0 ? '' : [style.bold(`${title}:`), ...lines].join('\n')

const optionLines = (options: Options): string[] =>
  twoColumns(Object.entries(options).map(([key, option]) => [flagText(key, option), optionNote(option)]))

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(0, ...rows.map(([left]) => left.length)))
  return rows.flatMap(([left, right]) => {
    const indent = width + 4
    const text = wrap(right, indent).trimStart()
    return left.length > width ? [`  ${left}`, ' '.repeat(indent) + text] : [`  ${left.padEnd(width)}  ${text}`]
  })
}

/** Break text at spaces so that no line is wider than a terminal of usual width; paragraphs stay apart. */
export function wrap(text: string, indent: number, width = columns): string {
  const margin = ' '.repeat(indent)
  const paragraph = (words: readonly string[]): string => {
    const lines: string[] = []
    let line = ''
    for (const word of words) {
      if (line !== '' && indent + line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line].map((each) => margin + each).join('\n')
  }
  return text
    .split(/\n\s*\n/)
    .map((each) => paragraph(each.trim().split(/\s+/)))
    .join('\n\n')
}
