/** The command lines that documents show, and whether `vpc` understands them: found and parsed, never run. */
import { parseArguments } from '#cli/arguments.ts'
import { loadCommand } from '#cli/load.ts'
import { Option, type Options } from '#cli/option.ts'
import { markProgram } from '#cli/program-words.ts'
import { resolve } from '#cli/resolve.ts'
import { isGroup } from '#cli/tree.ts'
import { success, type Result } from '#wire/result.ts'

/** A line of a document that somebody may type. */
export interface ShownLine {
  readonly line: number
  readonly text: string
  /** What stands behind the three backquotes above it. */
  readonly info?: string
}

/** The lines of all code blocks: joined where a backslash continues them, without the prompts of a session. */
export function shownLines(document: string): ShownLine[] {
  const found: ShownLine[] = []
  let isInside = false
  let isScript = false
  let info = ''
  let open: ShownLine | undefined
  for (const [i, row] of document.split('\n').entries()) {
    const [, fence] = /^\s*```(.*)/.exec(row) ?? []
    if (fence !== undefined) {
      isInside = !isInside
      isScript = /^sh\b/.test(fence)
      info = fence
      open = undefined
      continue
    }
    if (!isInside) continue
    const [, prompt = '', text = ''] = /^\s*([$#] )?(.*)$/.exec(row)!
    // In a block that is not a script, what has no prompt and does not begin with `vpc` is output.
    if (open === undefined && !isScript && prompt === '' && !/^vpc [a-z-]/.test(text)) continue
    if (open === undefined && prompt === '# ') continue
    const whole: ShownLine = { line: open?.line ?? i + 1, text: (open?.text ?? '') + text, info }
    open = whole.text.endsWith('\\') ? { ...whole, text: `${whole.text.slice(0, -1)} ` } : undefined
    if (open === undefined) found.push(whole)
  }
  return found
}

const stop = new Set(['|', '||', '&&', '&', ';', '(', ')', '\n'])

/** The simple commands of a line of the shell, each as words: comments, redirections and assignments left out. */
export function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  const pattern =
    /\s+|(?<=^|\s)#.*|[0-9]*(?:>>|>&|<<|[<>])\s*&?\S+|\|\||&&|[|&;()\n]|(?:\$\([^)]*\)|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s|&;()'"\\<>])+|./gs
  for (const [token] of line.matchAll(pattern)) {
    if (/^\s*$/.test(token) || token.startsWith('#') || /^[0-9]*[<>]/.test(token)) continue
    if (stop.has(token)) {
      commands.push([])
      continue
    }
    for (const [, inner] of token.matchAll(/\$\(([^)]*)\)/g)) commands.unshift(...simpleCommands(inner!))
    const isAssignment = /^\w+=/.test(token) && commands.at(-1)!.length === 0
    if (!isAssignment) commands.at(-1)!.push(plain(token))
  }
  return commands.filter((words) => words.length > 0)
}

/** A word without its quotes; a substituted command stands for any text. */
const plain = (token: string): string =>
  token.replaceAll(/\$\([^)]*\)/g, '$SUBSTITUTED').replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"/g, (_, single, double) => single ?? double)

/** Programs that may stand before `vpc`. */
const before = new Set(['sudo', 'ssh', 'env', 'watch', 'time', 'export', 'nsenter', 'ip', 'timeout', '!'])

/** What is wrong with the `vpc` commands of a line: nothing, or the words of each error. */
export async function problemsOf(line: string): Promise<string[]> {
  const found = await Promise.all(simpleCommands(line).map((words) => problemsOfWords(words)))
  return found.flat()
}

/** Commands that sentences name: `vpc list` in backquotes, and those after a colon in the cell of a table. */
export function namedCommands(document: string): ShownLine[] {
  const rows = document.replaceAll(/^\s*```.*?^\s*```/gms, (block) => block.replaceAll(/[^\n]/g, '')).split('\n')
  return rows.flatMap((row, i) =>
    [...row.matchAll(/`(vpc [^`]+)`|: (vpc [a-z][^|;,`]*)(?=[|;,])/g)].map(([, quoted, told]) => ({ line: i + 1, text: quoted ?? told! })),
  )
}

/** What is wrong with a command that a sentence names: it may be a group, and lack options and words. */
export async function problemsOfName(text: string): Promise<string[]> {
  if (/[|…[\]]|\.\.\./.test(text)) return []
  const words = simpleCommands(text)[0]!.slice(1)
  const named = words.filter((word) => !isPlaceholder(word)).map((word) => word.replace(/^(--(?!json|help)[\w-]+)$/, '$1=ANY'))
  return problemsOfCommand(named, false)
}

async function problemsOfWords(words: readonly string[]): Promise<string[]> {
  const at = words.findIndex((word) => word === 'vpc' || word.endsWith('/vpc'))
  if (at > 0 && !before.has(words[0]!)) return []
  // A program that `vpc` runs may be a shell.
  if (/(^|\/)(sh|bash)$/.test(words[0] ?? '') && words[1] === '-c') return problemsOf(words[2] ?? '')
  return at < 0 ? [] : problemsOfCommand(words.slice(at + 1))
}

async function problemsOfCommand(words: readonly string[], isWhole = true): Promise<string[]> {
  try {
    const { path, node, rest } = resolve(await markProgram(words[0] === 'help' ? words.slice(1) : words))
    if (words[0] === 'help' || words.includes('--help') || (path.length === 0 && words.includes('--version'))) return []
    if (isGroup(node)) return isWhole ? [`vpc ${path.join(' ')} is not a whole command`] : []
    const command = await loadCommand(path)
    const positionals = isWhole ? command.positionals : [{ name: 'ANY', help: '', isOptional: true, isRest: true }]
    const { rest: operands } = parseArguments({ path: command.path, options: lenient(command.options, isWhole), positionals }, rest)
    if (command.path === 'lab exec') return problemsOfWords(operands.slice(1))
    return command.path === 'exec' || command.path === 'vmnic exec' ? problemsOfWords(operands) : []
  } catch (error) {
    return [(error as Error).message]
  }
}

/** A word that the reader replaces: `PORT`, `$PORT`, or one with a variable in it. */
const isPlaceholder = (text: string): boolean => /^[A-Z][A-Z0-9_-]*$|\$\{?[A-Z]/.test(text)

/** The same options; a placeholder is a good value of each, and files need not be there. */
const lenient = (options: Options, isWhole: boolean): Options =>
  Object.fromEntries(
    Object.entries(options).map(([key, { spec }]) => {
      const parse = (text: string): Result<unknown> =>
        isPlaceholder(text) || spec.completion === 'file' ? success(text) : spec.parse(text)
      return [key, new Option({ ...spec, isRequired: isWhole && spec.isRequired, parse })]
    }),
  )
