/** The commands as Markdown: an index, and a page for each first word. */
import type { Command } from './command.ts'
import { description, environment, loadChapters, type Chapter } from './documentation.ts'
import { exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { optionNote, sentence, spellings, usageLine } from './help.ts'
import { longName, type Option, type Options } from './option.ts'
import type { Page } from './write-pages.ts'

const notice = '<!-- Made from the command table by `vpc doc md`: change the table in src/cli/commands instead. -->'

/** All pages. Links between them begin with `urlPrefix`. */
export async function markdownPages(urlPrefix: string): Promise<Page[]> {
  const chapters = await loadChapters()
  const pages = chapters.map((chapter) => ({ name: `${chapter.name}.md`, text: chapterPage(chapter, urlPrefix) }))
  return [{ name: 'README.md', text: indexPage(chapters, urlPrefix) }, ...pages]
}

const page = (...sections: readonly string[]): string => `${[notice, ...sections.filter((section) => section !== '')].join('\n\n')}\n`

function indexPage(chapters: readonly Chapter[], urlPrefix: string): string {
  const commands = chapters.flatMap(({ name, commands: each }) =>
    each.map(({ path, summary }) => [`[vpc ${path}](${urlPrefix}${name}.md#${anchor(path)})`, cell(summary)]),
  )
  return page(
    '# The vpc command',
    flow(description),
    table(['command', 'does'], commands),
    '## Options of every command',
    optionTable(globalOptions),
    '## Environment',
    table(
      ['variable', 'does'],
      environment.map(([name, does]) => [`\`${name}\``, cell(does)]),
    ),
    '## Exit codes',
    table(
      ['code', 'means'],
      exitStatus.map(([code, means]) => [String(code), cell(means)]),
    ),
    'An error is one line on standard error that begins with `vpc:`. With `--json` it is `{"error":{"code":…,"message":…}}`, where the code is the name of an errno, or one of `usage`, `conflict`, `failed` and `internal`.',
  )
}

function chapterPage({ name, aliases, summary, commands }: Chapter, urlPrefix: string): string {
  const isOne = commands.length === 1 && commands[0]!.path === name
  const intro = isOne
    ? ''
    : `${sentence(summary)}${aliases.length === 0 ? '' : ` Also written ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`}`
  const contents = isOne ? '' : commands.map(({ path, summary: does }) => `- [vpc ${path}](#${anchor(path)}): ${does}`).join('\n')
  const sections = commands.flatMap((command) => commandSections(command, isOne))
  return page(`# vpc ${name}`, intro, contents, ...sections, `[All commands](${urlPrefix}README.md)`)
}

function commandSections(command: Command, isOne: boolean): string[] {
  const { path, summary, description: more, options, positionals, examples } = command
  const names = spellings(path.split(' '))
  return [
    isOne ? '' : `## vpc ${path}`,
    sentence(summary),
    fence(usageLine(command)),
    more ? flow(more) : '',
    positionals.length === 0
      ? ''
      : table(
          ['argument', ''],
          positionals.map(({ name, help }) => [`\`${cell(name)}\``, cell(help)]),
        ),
    Object.keys(options).length === 0 ? '' : optionTable(options),
    names.includes('|') ? `Spellings: \`${names}\`` : '',
    examples.length === 0 ? '' : fence(examples.map(({ line, does }) => `# ${does}\n${line}`).join('\n'), 'sh'),
  ]
}

const optionTable = (options: Options): string =>
  table(
    ['option', ''],
    Object.entries(options).map(([key, option]) => [flags(key, option), cell(optionNote(option))]),
  )

function flags(key: string, option: Option<unknown>): string {
  const { short, placeholder } = option.spec
  const long = `\`--${longName(key, option)}${placeholder === undefined ? '' : ` ${cell(placeholder)}`}\``
  return short ? `\`-${short}\`, ${long}` : long
}

const anchor = (path: string): string => `vpc-${path.replaceAll(' ', '-')}`
const cell = (text: string): string => text.replaceAll('|', '\\|')
const fence = (text: string, language = ''): string => `\`\`\`${language}\n${text}\n\`\`\``
const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [titles, titles.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
const flow = (text: string): string =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replace(/\s+/g, ' '))
    .join('\n\n')
