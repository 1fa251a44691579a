/** The manual pages, in mdoc(7): vpc(8), and one page for each first word. */
import type { Command } from './command.ts'
import { description, environment, loadChapters, type Chapter } from './documentation.ts'
import { exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { optionNote, sentence, spellings, wrap } from './help.ts'
import { longName, type Option, type Options } from './option.ts'
import type { Page } from './write-pages.ts'

/** Day of the last change to the common parts of the pages. */
const date = 'November 22, 2026'

/** All manual pages. */
export async function manPages(): Promise<Page[]> {
  const chapters = await loadChapters()
  return [
    { name: 'vpc.8', text: mainPage(chapters) },
    ...chapters.map((chapter) => ({ name: `vpc-${chapter.name}.8`, text: chapterPage(chapter) })),
  ]
}

const lines = (...parts: readonly (string | readonly string[])[]): string =>
  `${parts
    .flat()
    .filter((line) => line !== '')
    .join('\n')}\n`

function mainPage(chapters: readonly Chapter[]): string {
  const names = chapters.map(({ name }) => name).toSorted()
  return lines(
    header('vpc', 'private cloud networks for virtual machines and containers'),
    ['.Sh SYNOPSIS', '.Nm', '.Ar command', '.Op Ar options'],
    ['.Sh DESCRIPTION', ...prose(description)],
    [
      '.Sh COMMANDS',
      ...list(chapters.map(({ name, summary, aliases }) => [`.Xr vpc-${name} 8`, prose(sentence(summary) + also(aliases))])),
    ],
    ['.Sh OPTIONS', 'Every command takes these options.', ...optionList(globalOptions)],
    ['.Sh ENVIRONMENT', ...list(environment.map(([name, text]) => [`.It Ev ${name}`, prose(text)]))],
    ['.Sh FILES', ...list([['.It Pa /run/vpc/vpcd.sock', ['Socket of vpcd.']]])],
    ['.Sh EXIT STATUS', ...list(exitStatus.map(([code, text]) => [`.It ${code}`, prose(text)]))],
    ['.Sh SEE ALSO', ...names.map((name, i) => `.Xr vpc-${name} 8${i === names.length - 1 ? '' : ' ,'}`)],
  )
}

const also = (aliases: readonly string[]): string => (aliases.length === 0 ? '' : ` Also: ${aliases.join(', ')}.`)

function chapterPage({ name, summary, aliases, commands }: Chapter): string {
  const isOne = commands.length === 1 && commands[0]!.path === name
  return lines(
    header(`vpc-${name}`, summary),
    ['.Sh SYNOPSIS', ...commands.flatMap(synopsis)],
    isOne
      ? ['.Sh DESCRIPTION', ...body(commands[0]!)]
      : [
          '.Sh DESCRIPTION',
          ...prose(sentence(summary) + also(aliases)),
          ...commands.flatMap((each) => [`.Ss vpc ${text(each.path)}`, ...body(each)]),
        ],
    ['.Sh EXIT STATUS', 'See', '.Xr vpc 8 .'],
    ['.Sh SEE ALSO', '.Xr vpc 8'],
  )
}

const header = (name: string, summary: string): string[] => [
  `.Dd ${date}`,
  `.Dt ${name.toUpperCase()} 8`,
  '.Os',
  '.Sh NAME',
  `.Nm ${name}`,
  `.Nd ${text(summary.replaceAll(':', ','))}`,
]

/** The common parts of a command's section, or of the page of a command without a group. */
function body(command: Command): string[] {
  const { path, summary, description: more, options, positionals, examples } = command
  return [
    ...prose(sentence(summary)),
    ...(more ? ['.Pp', ...prose(more)] : []),
    ...(positionals.length === 0 ? [] : list(positionals.map(({ name, help }) => [`.It Ar ${text(name)}`, prose(sentence(help))]))),
    ...(Object.keys(options).length === 0 ? [] : optionList(options)),
    ...(spellings(path.split(' ')).includes('|') ? ['.Pp', 'Spellings:', `.Dl ${text(spellings(path.split(' ')))}`] : []),
    ...examples.flatMap(({ line, does }) => [
      '.Pp',
      ...prose(`Example: ${does}`),
      '.Bd -literal -offset indent',
      ...line.split('\n').map(plainLine),
      '.Ed',
    ]),
  ]
}

function synopsis({ path, options, positionals }: Command): string[] {
  const flags = Object.entries(options).map(([key, option]) => {
    const flag = flagMacro(key, option, false)
    return option.spec.isRequired ? `.${flag}` : `.Op ${flag}`
  })
  const words = positionals.map(
    ({ name, isOptional, isRest }) => `.${isOptional ? 'Op ' : ''}${isRest ? 'Fl \\&- ' : ''}Ar ${text(name)}${isRest ? ' ...' : ''}`,
  )
  return ['.Nm vpc', `.Cm ${text(path)}`, ...flags, ...words]
}

const optionList = (options: Options): string[] =>
  list(Object.entries(options).map(([key, option]) => [`.It ${flagMacro(key, option, true)}`, prose(sentence(optionNote(option)))]))

function flagMacro(key: string, option: Option<unknown>, isWithLetter: boolean): string {
  const { short, placeholder } = option.spec
  const value = placeholder === undefined ? '' : ` Ar ${text(placeholder)}`
  const letter = isWithLetter && short ? `Fl ${short} , ` : ''
  return `${letter}Fl \\-${text(longName(key, option))}${value}`
}

const list = (items: readonly (readonly [string, readonly string[]])[]): string[] => [
  '.Bl -tag -width Ds',
  ...items.flatMap(([term, about]) => [term.startsWith('.It') ? term : `.It ${term.slice(1)}`, ...about]),
  '.El',
]

/** Text for a macro's arguments or a text line. */
const text = (plain: string): string => plain.replaceAll('\\', '\\e').replaceAll('-', '\\-')

/** A line that roff takes as it is, even when it begins like a request. */
const plainLine = (line: string): string => (/^[.']/.test(line) ? `\\&${text(line)}` : text(line))

/** Paragraphs as text lines: a sentence begins a line, none is long. */
const prose = (paragraphs: string): string[] =>
  paragraphs.split(/\n\s*\n/).flatMap((paragraph, i) => [
    ...(i === 0 ? [] : ['.Pp']),
    ...paragraph
      .trim()
      .replace(/\s+/g, ' ')
      .split(/(?<=[.?!]) (?=[A-Z])/)
      .flatMap((each) => wrap(each, 0, 76).split('\n'))
      .map(plainLine),
  ])
