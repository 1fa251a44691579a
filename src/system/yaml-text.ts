/** A YAML text, and the line of each of its parts. */
import { Document, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'

/** Keys and indexes from the top. */
export type Path = readonly (string | number)[]

export class YamlText {
  readonly #document: Document
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
  }

  /** Why it is not YAML; undefined when it is. */
  get problem(): { readonly line: number; readonly message: string } | undefined {
    const [error] = this.#document.errors
    return error && { line: this.#lines.linePos(error.pos[0]).line, message: error.message }
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
