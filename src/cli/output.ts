/** Prints results on standard output, as text for people or as JSON, on request through a pager. */
import type { Writable } from 'node:stream'
import type { Style } from './style.ts'
import { formatTable, type Table } from './table.ts'

/** Output for people: a text (a missing newline is added), a table, or a function that makes one of them. */
export type Shown = string | Table | (() => string | Table)

export interface OutputOptions {
  readonly json: boolean
  readonly style: Style
  readonly stream: Writable
  /** Columns of the terminal that shows it; none: tables are as wide as they are. */
  readonly columns?: number | undefined
}

export class Output {
  readonly json: boolean
  readonly style: Style
  readonly #stream: Writable
  readonly #columns: number | undefined

  constructor({ json, style, stream, columns }: OutputOptions) {
    this.#columns = columns
    this.json = json
    this.style = style
    this.#stream = stream
  }

  /** Print the one result of a command: `value` with --json, otherwise `shown`. */
  result(value: unknown, shown: Shown): void {
    this.#write(this.json ? JSON.stringify(value, null, 2) : this.#text(shown))
  }

  /** Print one of many results as they arrive: with --json, a line of JSON for each. */
  item(value: unknown, shown: Shown): void {
    this.#write(this.json ? JSON.stringify(value) : this.#text(shown))
  }

  /** Print text as it is, even with --json: documents and scripts. */
  text(text: string): void {
    this.#write(text)
  }

  #text(shown: Shown): string {
    const value = typeof shown === 'function' ? shown() : shown
    return typeof value === 'string' ? value : formatTable(value, this.style, this.#columns)
  }

  #write(text: string): void {
    if (text !== '') this.#stream.write(text.endsWith('\n') ? text : `${text}\n`)
  }
}
