/**
 * Tables as the original printed them: a leading space, two spaces between columns, titles in capitals, an optional
 * footer.
 */
import { plain, widthOf, type Style } from './style.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

export interface Table {
  readonly columns: readonly (Column | string)[]
  readonly rows: readonly (readonly (string | number)[])[]
  /** Cells of a last line, centred; the original's `TOTAL`. */
  readonly footer?: readonly (string | number)[]
}

/** The table's lines, each ended by a newline and without trailing spaces. */
export function formatTable({ columns, rows, footer = [] }: Table, style: Style = plain): string {
  const specs: Column[] = columns.map((column) => (typeof column === 'string' ? { title: column } : column))
  const cells = rows.map((row) => row.map(String))
  const widths = specs.map(({ title }, i) => widest([title, ...cells.map((row) => row[i] ?? ''), String(footer[i] ?? '')]))
  const line = (row: readonly string[]): string =>
    ` ${row.map((cell, i) => (specs[i]?.align === 'right' ? padLeft(cell, widths[i]!) : padRight(cell, widths[i]!))).join('  ')}`.trimEnd()
  const lines = [style.bold(line(specs.map(({ title }) => title))), ...cells.map(line)]
  // The original's printer put one more space before a footer; scripts that cut by column expect it.
  if (footer.length > 0) lines.push(`  ${footer.map((cell, i) => centre(String(cell), widths[i]!)).join('  ')}`.trimEnd())
  return lines.map((text) => `${text}\n`).join('')
}

/** Settings of one object, a line each: `  VNI        5001`. */
export function formatFields(fields: readonly (readonly [name: string, value: string | number])[], style: Style = plain): string {
  const width = widest(fields.map(([name]) => name))
  return fields.map(([name, value]) => ` ${style.dim(name.padEnd(width))}  ${value}`.trimEnd() + '\n').join('')
}

// A fold, because hundreds of thousands of cells are too many arguments for Math.max.
const widest = (cells: readonly string[]): number => cells.reduce((width, cell) => Math.max(width, widthOf(cell)), 0)
const padRight = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))
const padLeft = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text
const centre = (text: string, width: number): string => padRight(' '.repeat(Math.floor((width - widthOf(text)) / 2)) + text, width)
