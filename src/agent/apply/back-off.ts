/** When to try again: after 100 ms × 2ⁿ, at most 30 s, each a quarter more or less. */
const firstMs = 100
const longestMs = 30_000
const spread = 0.25

/** How long to wait after so many tries, in ms. `random`: from 0 to 1. */
export const backOffMs = (tries: number, random: () => number = Math.random): number =>
  Math.min(longestMs, firstMs * 2 ** Math.max(0, tries - 1)) * (1 - spread + 2 * spread * random())
