/** Entries from a file or from standard input: one on each line, words separated by spaces, `#` begins a comment. */
import type { Result } from '#wire/result.ts'
import { usageFailure } from './failure.ts'
import { readGivenFile } from './file-text.ts'

/** How to read one word of a line: its title, as `list` prints it, and its parser. */
export interface BatchColumn {
  readonly title: string
  /** The line may end before it. */
  readonly optional?: true
  parse(text: string): Result<string | number>
}

/**
 * The words of every line, checked. `-` is standard input. Throws a usage failure that names the file, the line and the
 * problem.
 */
export function readBatch(path: string, columns: readonly BatchColumn[]): (string | number)[][] {
  const name = path === '-' ? 'standard input' : path
  const rows: (string | number)[][] = []
  for (const [i, line] of readGivenFile(path).split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/)
    // The titles in the output of `list`.
    if (words[0] === '' || words[0] === columns[0]!.title) continue
    rows.push(readRow(words, columns, `${name}, line ${i + 1}`))
  }
  return rows
}

function readRow(words: readonly string[], columns: readonly BatchColumn[], where: string): (string | number)[] {
  const least = columns.filter(({ optional }) => optional !== true).length
  if (words.length < least || words.length > columns.length)
    throw usageFailure(`${where}: ${words.length} words where ${least} belong: ${columns.map(({ title }) => title).join(' ')}`)
  return columns.slice(0, words.length).map(({ title, parse }, i) => {
    const result = parse(words[i]!)
    if (result.ok) return result.value
    throw usageFailure(`${where}: ${title}: ${result.problem}`)
  })
}
