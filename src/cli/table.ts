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

/** Words of states, which have the colour of the state. */
const stateColours: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  up: 'green',
  ok: 'green',
  running: 'green',
  ready: 'green',
  warning: 'yellow',
  unknown: 'yellow',
  starting: 'yellow',
  down: 'red',
  failed: 'red',
  broken: 'red',
  missing: 'red',
}

const coloured = (cell: string, style: Style): string => {
  const colour = Object.hasOwn(stateColours, cell) ? stateColours[cell] : undefined
  return colour === undefined ? cell : style[colour](cell)
}

/** Narrower than this no column becomes: the first 8 digits of an id say which it is. */
const leastWidth = 9

/** Cells that fit into so many columns of a terminal: the widest are cut, an ellipsis at their end. */
function fitted(cells: readonly (readonly string[])[], titles: readonly string[], room: number): string[][] {
  const widths = titles.map((title, i) => widest([title, ...cells.map((row) => row[i] ?? '')]))
  const least = titles.map((title) => Math.max(leastWidth, title.length))
  const total = (): number => 1 + widths.reduce((sum, width) => sum + width + 2, -2)
  while (total() > room) {
    const spare = widths.map((width, i) => width - least[i]!)
    const most = Math.max(...spare)
    if (most <= 0) break
    const i = spare.indexOf(most)
    widths[i] = Math.max(least[i]!, widths[i]! - (total() - room))
  }
  return cells.map((row) => row.map((cell, i) => (widthOf(cell) > widths[i]! ? `${cell.slice(0, widths[i]! - 1)}…` : cell)))
}

/** The table's lines, each ended by a newline and without trailing spaces; `room`: columns of the terminal. */
export function formatTable({ columns, rows, footer = [] }: Table, style: Style = plain, room = Infinity): string {
  const specs: Column[] = columns.map((column) => (typeof column === 'string' ? { title: column } : column))
  const whole = rows.map((row) => row.map(String))
  const cells = (
    room === Infinity
      ? whole
      : fitted(
          whole,
          specs.map(({ title }) => title),
          room,
        )
  ).map((row) => row.map((cell) => coloured(cell, style)))
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
