/** Where results go: standard output, as text for people or as JSON, through a pager when one is asked for. */
import type { Writable } from 'node:stream'
import type { Style } from './style.ts'
import { formatTable, type Table } from './table.ts'

/**
 * What people are shown: a text (a newline is added where it lacks one), a table, or a function that makes one of them.
 */
export type Shown = string | Table | (() => string | Table)

export interface OutputOptions {
  readonly json: boolean
  readonly style: Style
  readonly stream: Writable
}

export class Output {
  readonly json: boolean
  readonly style: Style
  readonly #stream: Writable

  constructor({ json, style, stream }: OutputOptions) {
    this.json = json
    this.style = style
    this.#stream = stream
  }

  /** Print the one result of a command: `value` with --json, else what people are shown. */
  result(value: unknown, shown: Shown): void {
    this.#write(this.json ? JSON.stringify(value, null, 2) : this.#text(shown))
  }

  /** Print one of many results as they come: a line of JSON each with --json. */
  item(value: unknown, shown: Shown): void {
    this.#write(this.json ? JSON.stringify(value) : this.#text(shown))
  }

  /** Print text as it is, whatever --json says: documents and scripts. */
  text(text: string): void {
    this.#write(text)
  }

  #text(shown: Shown): string {
    const value = typeof shown === 'function' ? shown() : shown
    return typeof value === 'string' ? value : formatTable(value, this.style)
  }

  #write(text: string): void {
    if (text !== '') this.#stream.write(text.endsWith('\n') ? text : `${text}\n`)
  }
}
