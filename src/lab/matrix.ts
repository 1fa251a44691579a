/** Who reaches whom, as a matrix that compares the measured state with the expected one. Pure. */

export interface Reach {
  readonly from: string
  readonly to: string
  readonly expected: boolean
  readonly actual: boolean
}

/** Gives a cell its colour; the characters that it adds take no columns. */
export type PaintCell = (reach: Reach, text: string) => string

/** The text of a cell: reached or not, as it should be; or, in capitals, a difference. */
function cellText({ expected, actual }: Reach): string {
  if (expected === actual) return actual ? 'yes' : '·'
  return actual ? 'YES!' : 'NO!'
}

/** The pairs that differ from what they should be. */
export const wrong = (reaches: readonly Reach[]): Reach[] => reaches.filter(({ expected, actual }) => expected !== actual)

/** The matrix as lines: a row for each sender, a column for each receiver. */
export function formatMatrix(names: readonly string[], reaches: readonly Reach[], paint: PaintCell = (_, text) => text): string {
  const cells = new Map(reaches.map((reach) => [`${reach.from} ${reach.to}`, reach]))
  const first = Math.max('from \\ to'.length, ...names.map((name) => name.length))
  const width = (name: string): number => Math.max(4, name.length)
  const head = `${'from \\ to'.padEnd(first)}  ${names.map((name) => name.padEnd(width(name))).join('  ')}`
  const rows = names.map((from) => {
    const row = names.map((to) => {
      const reach = cells.get(`${from} ${to}`)
      const text = reach === undefined ? '-' : cellText(reach)
      return (reach === undefined ? text : paint(reach, text)) + ' '.repeat(width(to) - text.length)
    })
    return `${from.padEnd(first)}  ${row.join('  ')}`
  })
  return [head, ...rows].map((line) => `${line.trimEnd()}\n`).join('')
}
