/** `vpc`: finds the command, reads its arguments, runs it, and says what went wrong. */
import { parseArguments } from './arguments.ts'
import type { Command, Context } from './command.ts'
import { exitCodes, usageFailure, type Failure } from './failure.ts'
import { withIds } from './known-ids.ts'
import { loadCommand } from './load.ts'
import { Output } from './output.ts'
import { markProgram } from './program-words.ts'
import { resolve, type Resolved } from './resolve.ts'
import { styleFor } from './style.ts'
import { isGroup } from './tree.ts'

/** Run a command line, without the program's name. Returns the exit code once all output is written; never throws. */
export async function main(args: readonly string[]): Promise<number> {
  const code = await run(args)
  await Promise.all([process.stdout, process.stderr].map(written))
  return code
}

/** Wait until earlier output is consumed, or nobody will read it. */
const written = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => void stream.write('', () => resolve()))

async function run(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  endQuietly(abort)
  let flags = beforeDashes(args)
  try {
    const marked = await markProgram(args)
    flags = beforeDashes(marked)
    return await dispatch(marked, flags, abort.signal)
  } catch (error) {
    const { failureOf, printFailure } = await import('./report.ts')
    const failure: Failure = await failureOf(error)
    printFailure(failure, { json: flags.includes('--json'), stream: process.stderr, debug: isDebug(flags) ? error : undefined })
    return exitCodes[failure.kind]
  }
}

const beforeDashes = (args: readonly string[]): readonly string[] => (args.includes('--') ? args.slice(0, args.indexOf('--')) : args)

const isDebug = (flags: readonly string[]): boolean => /(^| )(--log-level|-l)[ =]?debug( |$)/i.test(flags.join(' '))

/** When a reader closes our output, write nothing more, and stop streams. */
function endQuietly(abort: AbortController): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') cannotWrite(stream, error)
      abort.abort()
    })
}

/** For example on a full disk: the operation may be done, but the caller did not get the answer. */
function cannotWrite(stream: NodeJS.WriteStream, { code, message }: NodeJS.ErrnoException): never {
  if (stream === process.stdout)
    process.stderr.write(`vpc: cannot write the result: ${code === 'ENOSPC' ? 'no space left on the disk' : message}\n`)
  process.exit(1)
}

const isVersion = (word: string): boolean => word === '--version' || word === '-v'

async function dispatch(args: readonly string[], flags: readonly string[], signal: AbortSignal): Promise<number> {
  const [first, ...others] = args
  const asksHelp = first === 'help' || flags.includes('--help') || flags.includes('-h')
  const resolved = resolve(first === 'help' ? others : args)
  const { path, node, rest } = resolved
  if (path.length === 0 && flags.some(isVersion)) return dispatch(['version', ...rest.filter((word) => !isVersion(word))], [], signal)
  if (isGroup(node) || asksHelp) return help(resolved, asksHelp, flags.includes('--json'))
  const command = await loadCommand(path)
  const read = async (): Promise<ReturnType<typeof parseArguments>> => parseArguments(command, await withFile(command, rest))
  const { options, global, rest: words } = await read()
  if (global.version) return dispatch(['version'], [], signal)
  const reread: Context['reread'] = async () => (await read()) as never
  return withContext({ global, signal, reread }, async (context) => {
    const known = await withIds(command.path, options, context)
    return known === undefined ? exitCodes.ok : ((await command.run(known, context, words)) ?? exitCodes.ok)
  })
}

/** The words of a command line, and those of its --config file. */
const withFile = async (command: Command, words: readonly string[]): Promise<readonly string[]> =>
  command.options['config'] === undefined ? words : (await import('./config-file.ts')).withConfigFile(command, words)

async function help({ path, node }: Resolved, isAsked: boolean, isJson: boolean): Promise<number> {
  if (!isAsked && isJson) throw usageFailure(`'${path.join(' ')}' is not a whole command`)
  const { commandHelp, groupHelp } = await import('./help.ts')
  const stream = isAsked ? process.stdout : process.stderr
  const style = styleFor(undefined, stream.isTTY, process.env)
  stream.write(isGroup(node) ? await groupHelp(node, path, style) : commandHelp(await loadCommand(path), style))
  if (isAsked) return exitCodes.ok
  throw usageFailure(
    path.length === 0
      ? 'no command was given; choose one of the above'
      : `'${path.join(' ')}' is not a whole command; choose one of the above`,
  )
}

type Given = Pick<Context, 'global' | 'signal' | 'reread'>

async function withContext(given: Given, run: (context: Context) => Promise<number>): Promise<number> {
  const { global } = given
  const isTerminal = process.stdout.isTTY === true
  const pager = global.usePager && isTerminal ? (await import('./pager.ts')).startPager(process.env) : undefined
  const style = styleFor(global.useColor, isTerminal, process.env)
  const context: Context = {
    ...given,
    output: new Output({
      json: global.json,
      style,
      stream: pager?.stream ?? process.stdout,
      // A pager scrolls to the side.
      columns: isTerminal && pager === undefined ? process.stdout.columns : undefined,
    }),
    async vpc() {
      const { Vpc } = await import('#client/vpc.ts')
      return new Vpc(global.socket === undefined ? {} : { socketPath: global.socket })
    },
  }
  try {
    return await run(context)
  } finally {
    await pager?.close()
  }
}
