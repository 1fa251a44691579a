/** A YAML text, and the line of each of its parts. */
import { Document, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml'

/** What a person can do about it; the parser speaks of its own rules. */
const messages: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'this line, or the next, is indented in another way than the lines that it belongs to',
  MULTILINE_IMPLICIT_KEY: 'this line is neither KEY: VALUE nor a part of the line before',
  BAD_INDENT: 'this line is indented in another way than the lines that it belongs to',
  TAB_AS_INDENT: 'a tab indents this line; YAML takes spaces alone',
  MULTIPLE_DOCS: 'a second document begins here; a file has one',
}

/** By words of the parser, where a code means several things. */
const byWords: readonly (readonly [RegExp, string])[] = [
  [/^Flow sequence/, 'a list that [ begins has no ] at its end'],
  [/^Flow map/, 'a map that { begins has no } at its end'],
  [/^Missing closing "/, 'a text that " begins has no " at its end'],
  [/^Missing closing '/, "a text that ' begins has no ' at its end"],
  [/^Nested mappings/, 'this line has two keys; put a text with a colon and a space into quotes'],
]

/** What a person can do about an error of the parser. `text`: the whole of it. */
export function yamlMessage({ code, message, pos: [at] }: YAMLParseError, text: string): string {
  if (code === 'DUPLICATE_KEY') return twice(text.slice(at))
  if (code === 'BAD_SCALAR_START') return `a text that begins with ${text[at] === '\t' ? 'a tab' : text[at]} needs quotes`
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1).split('\n', 1)[0]!
  const hasTwoKeys = code === 'BLOCK_AS_IMPLICIT_KEY' && /^[^'"]*:\s+[^'"\s]+:\s/.test(line)
  const known = code === 'BLOCK_AS_IMPLICIT_KEY' && !hasTwoKeys ? undefined : byWords.find(([words]) => words.test(message))?.[1]
  return known ?? messages[code] ?? message
}

/** Text that begins with a key. */
const twice = (text: string): string =>
  `the key ${/^("[^"\n]*"|'[^'\n]*'|[^\s:]+)/.exec(text)?.[0] ?? ''} stands here a second time; remove one`

/** Keys and indexes from the top. */
export type Path = readonly (string | number)[]

/** What is wrong with a text. */
export interface YamlProblem {
  readonly line: number
  readonly message: string
  /** The message, after the words 'this is not YAML' where that is so. */
  readonly sentence: string
}

export class YamlText {
  readonly #text: string
  readonly #document: Document
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.#text = text
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
  }

  /** Why it is not YAML, or may be read in two ways; undefined when all is well. */
  get problem(): YamlProblem | undefined {
    const [error] = this.#document.errors
    const octal = this.#octal()
    if (octal !== undefined) return octal
    if (error === undefined) return undefined
    const [at] = error.pos
    const message = yamlMessage(error, this.#text)
    return { line: this.#lines.linePos(at).line, message, sentence: `this is not YAML: ${message}` }
  }

  /** A number with a zero before it: some readers take it as octal, and others do not. */
  #octal(): YamlProblem | undefined {
    let found: YamlProblem | undefined
    visit(this.#document, {
      Scalar: (_, { source, type, value, range }) => {
        if (type !== 'PLAIN' || typeof value !== 'number' || !/^[-+]?0\d/.test(source ?? '')) return undefined
        const message = `${source} is ambiguous, since some read it as octal; write ${value}`
        found = { line: range ? this.#lines.linePos(range[0]).line : 1, message, sentence: message }
        return visit.BREAK
      },
    })
    return found
  }

  /** Its value. Throws for endless aliases. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 })
  }

  /** The line of a part, or of the enclosing part when it is missing. */
  lineOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]).line
    }
    return 1
  }
}

/** A value as YAML: short lists and objects on one line. */
export function yamlText(value: unknown): string {
  const document = new Document(value)
  visit(document, {
    Collection(_, node) {
      const isFlat = node.items.every((item) => isScalar(item) || (isPair(item) && isScalar(item.value)))
      if (isFlat && isSeq(node)) node.flow = true
    },
  })
  return document.toString({ lineWidth: 120, flowCollectionPadding: true })
}
