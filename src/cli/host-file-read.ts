/** Reads a host document from a file: YAML or JSON, with the line of each problem. */
import { splitPath, type HostDocument } from '#abi/host-file.ts'
import { readHostFile } from '#abi/host-file-read.ts'
import { YamlText } from '#system/yaml-text.ts'
import { Failure, isConflict, usageFailure } from './failure.ts'
import { readGivenFile } from './file-text.ts'

/** Throws a usage failure when both have different values for a key. */
function withMore(document: HostDocument, more: HostDocument): HostDocument {
  for (const [key, value] of Object.entries(more)) {
    const said = document[key]
    if (said !== undefined && said !== value)
      throw usageFailure(`--${key}=${String(value)} and '${key}: ${String(said)}' of the document differ`)
  }
  return { ...document, ...more }
}

/** A document, and the lines of its parts. */
export class HostFileText {
  readonly document: HostDocument
  readonly #name: string
  readonly #text: string
  #parsed: YamlText | undefined

  /**
   * Read a file, `-` for standard input; `more` has values besides those in the file. Throws Failure, with line and
   * key, for a file that is not a host document.
   */
  constructor(path: string, more: HostDocument = {}) {
    this.#name = path === '-' ? 'standard input' : path
    this.#text = readGivenFile(path)
    this.document = withMore(this.#parse(), more)
    if (Object.hasOwn(this.document, 'vpc'))
      throw this.failure('vpc', 'this is a document of a vpc of a cloud; vpc cloud apply takes it', 'EINVAL')
    const read = readHostFile(this.document)
    if (!read.ok) throw this.failure(read.problem.path, read.problem.problem, 'EINVAL')
  }

  /** A failure of vpcd, with its line; any other stays as it is. */
  explain(error: unknown): unknown {
    if (!(error instanceof Error) || !('code' in error)) return error
    const { path, problem } = splitPath(error.message)
    return path === '' ? error : this.failure(path, problem, String(error.code))
  }

  failure(path: string, problem: string, code: string): Failure {
    const kind = isConflict(code) ? 'conflict' : 'failed'
    return new Failure(kind, `${this.#name}:${this.#lineOf(path)}: ${path === '' ? '' : `${path}: `}${problem}`, { code })
  }

  #parse(): HostDocument {
    // Much faster for a large file of a program.
    if (this.#text.trimStart().startsWith('{')) {
      try {
        return JSON.parse(this.#text) as HostDocument
      } catch {
        // It may be YAML all the same, or the YAML parser knows the line.
      }
    }
    const { problem } = this.#yaml()
    if (problem !== undefined) throw new Failure('failed', `${this.#name}:${problem.line}: ${problem.sentence}`, { code: 'EINVAL' })
    return (this.#yaml().value() ?? {}) as HostDocument
  }

  #yaml(): YamlText {
    return (this.#parsed ??= new YamlText(this.#text))
  }

  /** The line of a place such as `switches[0].vni`. */
  #lineOf(path: string): number {
    const keys = path.split(/[.[\]]+/).filter((key) => key !== '')
    return this.#yaml().lineOf(keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key)))
  }
}
