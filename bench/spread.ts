/** What many samples come to: median, quartiles, range. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly samples: readonly number[]
}

/**
 * The number below which the share `q` of the samples lies, in between two of them where it falls there. Needs one
 * sample.
 */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return below + (above - below) * (at - Math.floor(at))
}

/** Median, smallest and largest of at least one number. */
export function spread(samples: readonly number[]): Spread {
  return { median: quantile(samples, 0.5), min: Math.min(...samples), max: Math.max(...samples), samples }
}

/**
 * Mean of the half in the middle: as little moved by stray samples as the median, and finer than the clock that took
 * them.
 */
export function middleMean(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const cut = Math.floor(sorted.length / 4)
  const middle = sorted.slice(cut, sorted.length - cut)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}
