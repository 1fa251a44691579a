/**
 * Records as bytes: the JSON text, with ids as numbers of a list of ids that many records have, or as their 16 bytes.
 * A record with other characters than ASCII stays text.
 */
import { dashed, putDigits } from './packed-digits.ts'

const idPattern = /"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/g
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** What stands for an id with its quotes. JSON has none of these bytes. */
const marks = { listed: 1, bytes: 2, own: 3, again: 4 } as const
/** The first byte of a packed record. A text begins with '{'. */
const packed = 1
const mostListed = 2 ** 24

export const isUuid = (id: string): boolean => uuid.test(id)

/** An id as a string of 16 bytes. */
export function packId(id: string): string {
  putDigits(id, scratch, 0)
  return scratch.toString('latin1', 0, 16)
}
const scratch = Buffer.alloc(16)

/** An id from its 16 bytes. */
export const idAt = (bytes: Buffer, at: number): string => dashed(bytes.toString('hex', at, at + 16))

/** Bytes that a packed text takes at most. */
export const mostBytes = (text: string): number => text.length * 3 + 1

// oxlint-disable-next-line no-control-regex
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

/** Write the text of the record with this id; `listed` says the number of an id in the list. Gives how many bytes. */
export function writeRecord(text: string, own: string, listed: (id: string) => number | undefined, into: Buffer, at: number): number {
  if (!isAscii(text)) return into.write(text, at)
  const begin = at
  into[at++] = packed
  let [done, before] = [0, '']
  idPattern.lastIndex = 0
  for (let found = idPattern.exec(text); found !== null; found = idPattern.exec(text)) {
    const id = found[0].slice(1, -1)
    at += into.write(text.slice(done, found.index), at, 'latin1')
    done = found.index + found[0].length
    const number = id === own ? undefined : listed(id)
    if (id === own) into[at++] = marks.own
    else if (number !== undefined && number < mostListed) {
      into[at++] = marks.listed
      at = into.writeUIntLE(number, at, 3)
    } else if (id === before) into[at++] = marks.again
    else {
      into[at++] = marks.bytes
      at = putDigits(id, into, at)
      before = id
    }
  }
  return at + into.write(text.slice(done), at, 'latin1') - begin
}

/** The text of a record from its bytes. */
export function readRecord(bytes: Buffer, own: string, idOf: (number: number) => string): string {
  if (bytes[0] !== packed) return bytes.toString('utf8')
  let [text, from, before] = ['', 1, '']
  for (let i = 1; i < bytes.length;) {
    const mark = bytes[i]!
    if (mark > marks.again) {
      i++
      continue
    }
    text += bytes.toString('latin1', from, i++)
    if (mark === marks.own) text += `"${own}"`
    else if (mark === marks.listed) {
      text += `"${idOf(bytes.readUIntLE(i, 3))}"`
      i += 3
    } else {
      if (mark === marks.bytes) {
        before = idAt(bytes, i)
        i += 16
      }
      text += `"${before}"`
    }
    from = i
  }
  return text + bytes.toString('latin1', from)
}
