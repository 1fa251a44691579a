/**
 * A command as data: its name, its options and arguments, and its function. Help, completion, manual pages and their
 * tests are made from it. The file's path is the command: the default export of src/cli/commands/switch/port/add.ts is
 * `vpc switch port add`. src/cli/tree.ts has names, aliases and groups, so that finding a command imports no other.
 */
import type { Vpc } from '#client/vpc.ts'
import type { GlobalValues } from './global-options.ts'
import type { Options, OptionValues } from './option.ts'
import type { Output } from './output.ts'

/** An argument without a flag. The original had none, so use it only where a flag would be silly (`lab up FILE`). */
export interface Positional {
  /** Upper case, as help shows it. Shells complete FILE as a file. */
  readonly name: string
  readonly help: string
  readonly isOptional?: boolean
  /** Takes all following words, after `--` even those that begin with a dash. Only the last one may. */
  readonly isRest?: boolean
}

/** What a command works with. */
export interface Context {
  readonly global: GlobalValues
  /** Results, on standard output. */
  readonly output: Output
  /** Aborted when nobody reads our output any more: streams should then end. */
  readonly signal: AbortSignal
  /** The options as the same command line says them now, with its --config file read again. `like` gives their type. */
  reread<O extends object>(like: O): Promise<{ readonly options: O; readonly global: GlobalValues }>
  /** The vpcd. Nothing is sent before the first open; the caller closes what it opens. */
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
   * Run the command. `rest` has the positionals in order. Returns the exit code when it is not 0. Throws `Failure` with
   * a message for people.
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
