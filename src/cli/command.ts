/**
 * A command as data: what it is called, what it takes, what it does. Help, completion, manual pages and their tests are
 * made from it. The file's path is the command: src/cli/commands/switch/port/add.ts exports `vpc switch port add` as
 * its default; names, aliases and groups stand in src/cli/tree.ts, so that finding a command imports no other.
 */
import type { Vpc } from '#client/vpc.ts'
import type { GlobalValues } from './global-options.ts'
import type { Options, OptionValues } from './option.ts'
import type { Output } from './output.ts'

/**
 * An argument that stands without a flag; the original had none, so use it where a flag would be silly (`lab up FILE`).
 */
export interface Positional {
  /** Upper case, as help shows it. What is called FILE is completed as a file. */
  readonly name: string
  readonly help: string
  readonly isOptional?: boolean
  /** Takes all that follows, after `--` even words that begin with a dash. Only the last one may. */
  readonly isRest?: boolean
}

/** What a command works with. */
export interface Context {
  readonly global: GlobalValues
  /** Results, on standard output. */
  readonly output: Output
  /** Aborted when nobody reads our output any more: what streams should end. */
  readonly signal: AbortSignal
  /** The vpcd to speak to. Nothing is sent before the first open; what is opened is closed by who opens it. */
  vpc(): Promise<Vpc>
}

export interface Example {
  readonly line: string
  readonly does: string
}

export interface CommandSpec<O extends Options> {
  /** Words as they are typed: 'switch port add'. */
  readonly path: string
  /** A phrase that begins with a verb, lower case, no full stop. */
  readonly summary: string
  /** Paragraphs for `--help` and the manual page. */
  readonly description?: string
  readonly options?: O
  readonly positionals?: readonly Positional[]
  readonly examples?: readonly Example[]
  /**
   * Does it. `rest` holds the positionals in order. Gives the exit code when it is not 0. Throws `Failure` for what
   * people should read.
   */
  run(options: OptionValues<O>, context: Context, rest: readonly string[]): Promise<number | void>
}

/** A command of any options. */
export interface Command extends CommandSpec<Options> {
  readonly options: Options
  readonly positionals: readonly Positional[]
  readonly examples: readonly Example[]
}

/** Define a command. The only default export of its file. */
export function command<const O extends Options = {}>(spec: CommandSpec<O>): Command {
  return { options: {}, positionals: [], examples: [], ...spec } as unknown as Command
}
