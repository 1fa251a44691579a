/**
 * What the verifier and libbpf said about an object that did not load. The log is kept whole, and shown by its last
 * telling line.
 */
import { KernelError } from './errno.ts'

/** Lines that end every log of the verifier, whatever was wrong. */
const summary = /^(processed \d+ insns|verification time|stack depth|-- (BEGIN|END) PROG LOAD LOG|max_states_per_insn|\s*$)/

/** The last line of a log that says something about this failure. Empty when there is none. */
export function tellingLine(log: string): string {
  return (
    log
      .split('\n')
      .findLast((line) => !summary.test(line))
      ?.trim() ?? ''
  )
}

/** An object that could not be loaded. `notes` holds libbpf's warnings. */
export class LoadError extends KernelError {
  readonly object: string
  // Behind a getter, so that an uncaught error does not print thousands of lines.
  readonly #log: string
  readonly notes: readonly string[]
  constructor(call: string, errno: number, object: string, log: string, notes: readonly string[]) {
    const line = tellingLine(log) || tellingLine(notes.join('\n'))
    super(call, errno, `${object}${line && `: ${line}`}`)
    this.name = 'LoadError'
    this.object = object
    this.#log = log
    this.notes = notes
  }

  /** All that the verifier said about the program that it refused. */
  get log(): string {
    return this.#log
  }
}
