/**
 * What is wrong with a lab file or a cluster file: where, which key, why, and the way out. All problems of a file are
 * told at once.
 */
import { LabError } from './lab-error.ts'

export interface FileProblem {
  readonly line: number
  readonly column: number
  /** Where in the file's tree: `guests.red1.address`. Empty for the file as a whole. */
  readonly key: string
  /** What is wrong, with the value, and what to do. */
  readonly message: string
}

/** One line for people: `examples/two-hosts.yaml:9:12: guests.red1.host: …`. */
export const formatFileProblem = (path: string, { line, column, key, message }: FileProblem): string =>
  `${path}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`

/** A file that cannot be used. */
export class LabFileError extends LabError {
  readonly path: string
  readonly problems: readonly FileProblem[]
  constructor(path: string, problems: readonly FileProblem[]) {
    super(problems.map((problem) => formatFileProblem(path, problem)).join('\n'))
    this.name = 'LabFileError'
    this.path = path
    this.problems = problems
  }
}
