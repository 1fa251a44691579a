/** A strict reader of YAML: every value knows its place in the file, and problems are collected, not thrown. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml'
import { yamlMessage } from '#system/yaml-text.ts'
import type { FileProblem } from './file-problem.ts'

/** One file, and the problems that were found in it so far. */
export class YamlFile {
  readonly problems: FileProblem[] = []
  readonly root: YamlValue | undefined
  readonly document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    // The others follow from the first one.
    const [error] = this.document.errors
    if (error !== undefined) this.#report(error.pos[0], '', `this is not YAML: ${yamlMessage(error, text)}`)
    if (this.problems.length > 0) return
    const { contents } = this.document
    if (contents === null) this.#report(0, '', 'the file is empty; the directory examples/ shows what it may hold')
    else this.root = new YamlValue(this, contents, '')
  }

  /** Note a problem at a node. */
  report(node: Node | null | undefined, key: string, message: string): void {
    this.#report(node?.range?.[0] ?? 0, key, message)
  }

  #report(offset: number, key: string, message: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.problems.push({ line: Math.max(1, line), column: Math.max(1, col), key, message })
  }
}

/** One value: a scalar, a list or a map. */
export class YamlValue {
  readonly #file: YamlFile
  readonly #node: Node | null
  /** The path in the tree: `hosts.h1`. */
  readonly key: string
  /** The node to point at when the value has none of its own: its key. */
  readonly #place: Node | null

  constructor(file: YamlFile, node: Node | null, key: string, place: Node | null = node) {
    this.#file = file
    this.#node = isAlias(node) ? (node.resolve(file.document) ?? null) : node
    this.key = key
    this.#place = node?.range ? node : place
  }

  /** Note a problem with this value. */
  report(message: string): void {
    this.#file.report(this.#place, this.key, message)
  }

  /** Text. A number or a truth value is taken as it is written. */
  text(): string | undefined {
    const { value, source } = isScalar(this.#node) ? this.#node : { value: undefined, source: undefined }
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number' || typeof value === 'boolean') return source ?? String(value)
    this.report(`this must be text, not ${this.#kind()}`)
    return undefined
  }

  /** A whole number in a range. */
  integer(min: number, max: number): number | undefined {
    const { value, source = '' } = isScalar(this.#node) ? this.#node : { value: undefined }
    if (typeof value === 'number' && /^[-+]?0\d/.test(source)) {
      this.report(`${source} is ambiguous, since some read it as octal; write ${value}`)
      return undefined
    }
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    this.report(`this must be a whole number from ${min} to ${max}, not ${this.#kind()}`)
    return undefined
  }

  /** A truth value. */
  flag(): boolean | undefined {
    const value = isScalar(this.#node) ? this.#node.value : undefined
    if (typeof value === 'boolean') return value
    this.report(`this must be true or false, not ${this.#kind()}`)
    return undefined
  }

  /** The value as JSON would have it. */
  plain(): unknown {
    return this.#node?.toJS(this.#file.document)
  }

  /** A list; one value stands for a list of one. */
  list(): YamlValue[] {
    if (!isSeq(this.#node)) return [this]
    return this.#node.items.map((item, i) => new YamlValue(this.#file, item as Node, `${this.key}[${i}]`, this.#node))
  }

  /** A map of any keys, in the file's order. */
  entries(): [string, YamlValue][] {
    if (!isMap(this.#node)) {
      this.report(`this must be a map of names, not ${this.#kind()}`)
      return []
    }
    return this.#node.items.map((pair) => this.#entry(pair as Pair<Node, Node | null>))
  }

  /**
   * A map of known keys. Unknown keys are reported, and so are required keys that are missing. A null value counts as
   * missing.
   */
  fields<const K extends string>(required: readonly K[], optional: readonly K[] = []): Partial<Record<K, YamlValue>> {
    const known: readonly string[] = [...required, ...optional]
    const found: Partial<Record<string, YamlValue>> = {}
    if (!isMap(this.#node) && !this.isNull) this.report(`this must be a map with ${known.join(', ')}, not ${this.#kind()}`)
    const entries = isMap(this.#node) ? this.entries() : []
    for (const [name, value] of entries) {
      if (!known.includes(name)) value.report(`unknown key '${name}'; ${nearest(name, known)}`)
      else if (!value.isNull) found[name] = value
    }
    const missing = required.filter((name) => found[name] === undefined)
    if (missing.length > 0 && (isMap(this.#node) || this.isNull))
      this.report(`${missing.map((name) => `'${name}'`).join(' and ')} must be given`)
    return found as Partial<Record<K, YamlValue>>
  }

  /** Whether there is no value. */
  get isNull(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null)
  }

  #entry({ key, value }: Pair<Node, Node | null>): [string, YamlValue] {
    const name = String(isScalar(key) ? (key.source ?? key.value) : key)
    return [name, new YamlValue(this.#file, value, this.key === '' ? name : `${this.key}.${name}`, key)]
  }

  #kind(): string {
    if (isMap(this.#node)) return 'a map'
    if (isSeq(this.#node)) return 'a list'
    return this.isNull ? 'nothing' : `'${isScalar(this.#node) ? (this.#node.source ?? String(this.#node.value)) : String(this.#node)}'`
  }
}

/** What to write instead of an unknown word: the known word with the same beginning, else all known words. */
export function nearest(word: string, known: readonly string[]): string {
  const close = known.filter((name) => name.startsWith(word.slice(0, 3)) || word.startsWith(name.slice(0, 3)))
  return close.length === 1 ? `did you mean '${close[0]}'?` : `expected one of ${known.join(', ')}`
}
