/** The nearest of some words to an unknown one, for 'did you mean'. */

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other. */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

/** The probable word: it begins with the text, or few letters differ. Undefined when none is near. */
export function nearest(text: string, words: readonly string[]): string | undefined {
  const begun = text.length >= 2 ? words.filter((word) => word.startsWith(text)) : []
  if (begun.length === 1) return begun[0]
  const scored = words.map((word) => ({ word, score: distance(text.toLowerCase(), word) }))
  scored.sort((a, b) => a.score - b.score || a.word.length - b.word.length)
  const best = scored[0]
  return best !== undefined && best.score <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : undefined
}

/** `; did you mean X?`, or `otherwise` when nothing is near. */
export function suggestion(text: string, words: readonly string[], otherwise: string): string {
  const word = nearest(text, words)
  return word === undefined ? `; ${otherwise}` : `; did you mean ${word}?`
}
