/** Random messages of DNS: questions, mutated ones, and any bytes; and a reader of messages that is not ours. */
import fc from 'fast-check'

const label = fc.oneof(
  fc.constantFrom('web', 'many', 'red', 'example', 'internal', 'in-addr', 'arpa', 'ip6', '5', '0', '10', 'WEB', '*'),
  fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)
const name = fc.oneof(
  fc.constantFrom('web.red.example', 'many.red.example', 'none.red.example', 'b.example', '5.0.0.10.in-addr.arpa', 'red.example', ''),
  fc.array(label, { maxLength: 3 }).map((labels) => labels.join('.')),
)

const u16 = (...values: readonly number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]))
const nameOf = (text: string): Buffer =>
  Buffer.concat([
    ...text
      .split('.')
      .flatMap((each) => (each === '' ? [] : [Buffer.from([Math.min(63, each.length)]), Buffer.from(each.slice(0, 63), 'latin1')])),
    Buffer.from([0]),
  ])

/** Questions that are right, with EDNS0 and without. */
export const questions: fc.Arbitrary<Buffer> = fc
  .record({
    id: fc.nat(0xffff),
    recursion: fc.boolean(),
    name,
    type: fc.constantFrom(1, 28, 12, 6, 255, 15, 16),
    edns: fc.option(fc.constantFrom(0, 512, 1232, 4096, 65_535)),
    version: fc.constantFrom(0, 0, 0, 1),
  })
  .map(({ id, recursion, name: text, type, edns, version }) =>
    Buffer.concat([
      u16(id, recursion ? 0x0100 : 0, 1, 0, 0, edns === null ? 0 : 1),
      nameOf(text),
      u16(type, 1),
      ...(edns === null ? [] : [Buffer.from([0]), u16(41, edns), Buffer.from([0, version, 0, 0]), u16(0)]),
    ]),
  )

/** A message with some bytes changed, cut off, added or repeated, or a name's pointer in it. */
export const mutated = (message: Buffer): fc.Arbitrary<Buffer> => {
  const place = fc.nat(Math.max(0, message.length - 1))
  const at = (change: (copy: Buffer, where: number, value: number) => Buffer): fc.Arbitrary<Buffer> =>
    fc.tuple(place, fc.nat(255)).map(([where, value]) => change(Buffer.from(message), where, value))
  return fc.oneof(
    at((copy, where, value) => Buffer.concat([copy.subarray(0, where), Buffer.from([value]), copy.subarray(where + 1)])),
    at((copy, where, value) => Buffer.from(copy.map((byte, i) => (i === where ? byte ^ (1 << (value & 7)) : byte)))),
    at((copy, where) => copy.subarray(0, where)),
    at((copy, where, value) => Buffer.concat([copy.subarray(0, where), Buffer.alloc(value, value), copy.subarray(where)])),
    at((copy, where) => Buffer.concat([copy.subarray(0, where), Buffer.from([0xc0, where]), copy.subarray(where)])),
    at((copy, where) => Buffer.concat([copy, copy.subarray(where)])),
  )
}

/** All of these, and bytes. */
export const messages: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 2, arbitrary: questions },
  { weight: 3, arbitrary: questions.chain(mutated) },
  { weight: 1, arbitrary: questions.chain(mutated).chain(mutated) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)) },
)

/** What a message has, if it is whole to its last byte. */
export interface Walked {
  readonly id: number
  readonly isAnswer: boolean
  readonly questions: number
  readonly records: number
}

/** Read a message by its counts. Undefined: it is not whole, or has bytes at its end. */
export function walk(message: Buffer): Walked | undefined {
  if (message.length < 12) return undefined
  const [questionCount = 0, ...counts] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at))
  const records = counts.reduce((sum, count) => sum + count, 0)
  let at = 12
  const skipName = (): void => {
    while (at < message.length) {
      const length = message[at++]!
      if (length === 0) return
      if (length >= 0xc0) return void at++
      at += length
    }
    at = Infinity
  }
  for (let i = 0; i < questionCount; i++) {
    skipName()
    at += 4
  }
  for (let i = 0; i < records && at + 10 <= message.length; i++) {
    skipName()
    if (at + 10 > message.length) return undefined
    at += 10 + message.readUInt16BE(at + 8)
  }
  if (at !== message.length) return undefined
  return { id: message.readUInt16BE(0), isAnswer: message[2]! >= 0x80, questions: questionCount, records }
}
