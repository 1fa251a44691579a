/** Rates as people write them: `100m` bytes, `1gbit`, `20k` packets a second. */
import { failure, success, type Result } from '#wire/result.ts'

/** Decimal, as those of interfaces are. */
const multiples: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

/** Read a rate. `what` names its unit; `inBits`: of bytes, which may be given as bits. */
export function parseRate(text: string, what: string, most: number, inBits: boolean): Result<number> {
  const found = /^(\d+(?:\.\d+)?)([kmgt]?)(bit)?$/i.exec(text)
  const units = inBits ? `k, m or g behind it, and 'bit' if it counts bits` : 'k or m behind it'
  if (found === null || (found[3] !== undefined && !inBits)) return failure(`'${text}' is not a number of ${what}, with ${units}`)
  const exact = (Number(found[1]) * multiples[found[2]!.toLowerCase()]!) / (found[3] === undefined ? 1 : 8)
  const value = Math.round(exact)
  if (value > most) return failure(`'${text}' is more than ${most} ${what}`)
  if (exact > 0 && value === 0) return failure(`'${text}' is less than one of ${what}`)
  return success(value)
}
