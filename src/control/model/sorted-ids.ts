/** Ids in order, for pages of lists: in pieces, so that one more among a million moves a few hundred. */

/** A piece of twice as many is cut in two. */
const pieceSize = 512

export class SortedIds {
  /** None is empty, but for the first one while nothing is there. */
  readonly #pieces: string[][] = [[]]
  size = 0

  add(id: string): void {
    const n = this.#pieceOf(id)
    const piece = this.#pieces[n]!
    const at = position(piece, id)
    if (piece[at] === id) return
    piece.splice(at, 0, id)
    this.size++
    // Most ids are newer than all others: a full last piece stays full.
    if (piece.length < 2 * pieceSize) return
    const isLast = n === this.#pieces.length - 1 && at === piece.length - 1
    this.#pieces.splice(n + 1, 0, piece.splice(isLast ? piece.length - 1 : pieceSize))
  }

  delete(id: string): void {
    const n = this.#pieceOf(id)
    const piece = this.#pieces[n]!
    const at = position(piece, id)
    if (piece[at] !== id) return
    piece.splice(at, 1)
    this.size--
    if (piece.length === 0 && this.#pieces.length > 1) this.#pieces.splice(n, 1)
  }

  /** The ids after one; all without it. */
  *after(id = ''): Generator<string> {
    for (const each of this.from(id)) if (each !== id) yield each
  }

  /** The ids from one on, there or not. */
  *from(id: string): Generator<string> {
    for (let n = this.#pieceOf(id); n < this.#pieces.length; n++) {
      const piece = this.#pieces[n]!
      for (let i = position(piece, id); i < piece.length; i++) yield piece[i]!
    }
  }

  /** The piece that an id is in, or would be: the last one that begins with it or before it. */
  #pieceOf(id: string): number {
    let low = 0
    let high = this.#pieces.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#pieces[middle]![0]! <= id) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Where an id is, or would be. */
function position(ids: readonly string[], id: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ids[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}
