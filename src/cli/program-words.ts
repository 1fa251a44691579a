/** For commands that run a program: finds the program's words, even without `--` before them. */
import { parseArgs } from 'node:util'
import { globalOptions } from './global-options.ts'
import { loadCommand } from './load.ts'
import { longName } from './option.ts'
import { resolve } from './resolve.ts'
import { isGroup } from './tree.ts'

/**
 * The command line with `--` before the program, so that `vpc exec ls -l` is `vpc exec -- ls -l`. Any other command
 * line stays as it is, also one with errors.
 */
export async function markProgram(args: readonly string[]): Promise<readonly string[]> {
  if (!args.includes('exec') && !args.includes('ssh')) return args
  const { path, node, rest } = resolve(args)
  if (isGroup(node) || node.runsProgram !== true) return args
  const { options } = await loadCommand(path)
  const known = Object.entries({ ...globalOptions, ...options }).map(([key, option]) => {
    const { short, placeholder } = option.spec
    return [
      longName(key, option),
      { type: placeholder === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
    ] as const
  })
  const { tokens } = parseArgs({ args: [...rest], options: Object.fromEntries(known), strict: false, allowPositionals: true, tokens: true })
  // The name of a guest stands before the program, and a `--` that somebody wrote between them says the same.
  if (path[0] === 'lab' && tokens.some(({ kind }) => kind === 'option-terminator')) return args
  const first = tokens.find(({ kind }) => kind !== 'option')
  if (first === undefined || first.kind !== 'positional') return args
  return [...path, ...rest.slice(0, first.index), '--', ...rest.slice(first.index)]
}
