/** What both drivers refuse before they ask the store. */
import { checkKey, limits, prefixEnd, type Commit } from './store.ts'
import { StoreError } from './store-error.ts'

/** Throws StoreError for a commit that one of the stores would not take. */
export function checkCommit({ if: conditions, write: writes }: Commit): void {
  checkCount(conditions.length, limits.conditions, 'conditions')
  checkCount(writes.length, limits.writes, 'writes')
  let bytes = 0
  for (const condition of conditions) {
    if (condition.kind === 'empty') checkPrefix(condition.prefix)
    else checkKey(condition.key)
    bytes += condition.kind === 'empty' ? condition.prefix.length : condition.key.length
  }
  const written = new Set<string>()
  for (const write of writes) {
    checkKey(write.key)
    if (written.has(write.key)) throw new StoreError('invalid', `a commit writes ${write.key} twice`)
    written.add(write.key)
    bytes += write.key.length + (write.kind === 'put' ? checkValue(write.key, write.value) : 0)
  }
  if (bytes > limits.commitBytes)
    throw new StoreError('limit', `a commit of ${bytes} bytes is too large; a store takes ${limits.commitBytes}: divide it`)
}

function checkCount(count: number, most: number, what: string): void {
  if (count > most) throw new StoreError('limit', `a commit has ${count} ${what}; a store takes ${most}: divide it`)
}

/** The bytes of a value. */
function checkValue(key: string, value: string): number {
  if (!value.isWellFormed()) throw new StoreError('invalid', `the value of ${key} is not well-formed Unicode`)
  const bytes = Buffer.byteLength(value)
  if (bytes > limits.valueBytes) throw new StoreError('limit', `the value of ${key} has ${bytes} bytes; a store takes ${limits.valueBytes}`)
  return bytes
}

/** Throws unless keys can have this prefix. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix)
}

/** Throws when there are too many keys to get at once. */
export function checkKeys(keys: readonly string[]): void {
  checkCount(keys.length, limits.conditions, 'keys')
  for (const key of keys) checkKey(key)
}

/** Does the range end before it begins, or hold keys of drivers? Throws then. */
export function checkRange(from: string, to: string): void {
  if (to > prefixEnd('')) throw new StoreError('invalid', `the range ${from} to ${to} goes beyond the keys`)
}
