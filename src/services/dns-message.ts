/**
 * DNS messages, RFC 1035, as far as a server of few names needs them. It reads a header, one question, and EDNS0's OPT
 * (RFC 6891). A question's name is written out: there is nothing before it that a pointer could mean, so nothing here
 * follows pointers.
 */

export const type = { a: 1, ns: 2, soa: 6, ptr: 12, aaaa: 28, opt: 41, any: 255 } as const
export const rcode = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const
const classIn = 1
const flag = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080 } as const
const headerBytes = 12
const maxName = 255
/** What a client without EDNS0 takes by UDP, and what we send to any: no fragments. */
const plainBytes = 512
const mostBytes = 1232

export interface Question {
  readonly id: number
  readonly flags: number
  /** In lower case, without the dot at the end; the root is ''. Bytes that stand in no host name are escaped. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** All of the question section, for the answer: the case of letters is kept. */
  readonly section: Buffer
  /** EDNS0: what the client takes by UDP; undefined: it does not speak it. */
  readonly edns: { readonly bytes: number; readonly version: number } | undefined
}

/** A record of an answer. `name` undefined: that of the question. */
export interface Answer {
  readonly name?: string
  readonly type: number
  readonly ttl: number
  readonly data: Uint8Array
}

/** A message that is no question that can be answered: with an id, if it is one that must be told so. */
export class Malformed extends Error {}

/** A label as text; bytes of no host name as \\DDD, so that different labels stay different. */
const labelText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[a-zA-Z\d_-]/.test(letter) ? letter.toLowerCase() : `\\${String(byte).padStart(3, '0')}`
  }).join('')

/** A name at an offset, without pointers. Throws Malformed. */
function readName(message: Buffer, offset: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = offset
  for (;;) {
    const length = message[at]
    if (length === undefined || length > 63 || at + 1 + length > message.length || at - offset > maxName) throw new Malformed('a name')
    at += 1 + length
    if (length === 0) break
    labels.push(labelText(message.subarray(at - length, at)))
  }
  if (at - offset > maxName) throw new Malformed('a name that is too long')
  return { name: labels.join('.'), end: at }
}

/** OPT, if it is the one record after the question. Others (a TSIG, say) are not looked at. */
function readEdns(message: Buffer, at: number): Question['edns'] {
  if (message.readUInt16BE(10) === 0 || message.length < at + 11 || message[at] !== 0 || message.readUInt16BE(at + 1) !== type.opt)
    return undefined
  return { bytes: message.readUInt16BE(at + 3), version: message[at + 6]! }
}

/** Read a question. Throws Malformed. */
export function readQuestion(message: Buffer): Question {
  if (message.length < headerBytes + 5) throw new Malformed('too short')
  const flags = message.readUInt16BE(2)
  if ((flags & flag.response) !== 0) throw new Malformed('an answer')
  if (message.readUInt16BE(4) !== 1 || message.readUInt32BE(6) !== 0) throw new Malformed('not one question')
  const { name, end } = readName(message, headerBytes)
  if (message.length < end + 4) throw new Malformed('a question that is cut short')
  const section = message.subarray(headerBytes, end + 4)
  const edns = readEdns(message, end + 4)
  return { id: message.readUInt16BE(0), flags, name, type: message.readUInt16BE(end), class: message.readUInt16BE(end + 2), section, edns }
}

/** The kind of question: 0 is a plain one. */
export const opcodeOf = ({ flags }: Question): number => (flags >> 11) & 15
/** Whether the class is the Internet's. */
export const isInternet = (question: Question): boolean => question.class === classIn || question.class === type.any

/** A name as bytes. Throws RangeError for a label that is too long. */
export function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  return Buffer.concat([
    ...labels.map((label) => {
      if (label === '' || label.length > 63) throw new RangeError(`'${label}' is not a label`)
      return Buffer.concat([Uint8Array.of(label.length), Buffer.from(label, 'latin1')])
    }),
    Uint8Array.of(0),
  ])
}

/** Owner of a record: a pointer to the question's name. */
const sameName = Uint8Array.of(0xc0, headerBytes)

function recordBytes({ name, type: kind, ttl, data }: Answer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(kind, 0)
  fixed.writeUInt16BE(classIn, 2)
  fixed.writeUInt32BE(ttl, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([name === undefined ? sameName : nameBytes(name), fixed, data])
}

function optBytes(code: number): Buffer {
  const opt = Buffer.alloc(11)
  opt.writeUInt16BE(type.opt, 1)
  opt.writeUInt16BE(mostBytes, 3)
  opt[5] = code >> 4
  return opt
}

function header(id: number, flags: number, counts: readonly [number, number, number, number]): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(flags, 2)
  counts.forEach((count, i) => bytes.writeUInt16BE(count, 4 + 2 * i))
  return bytes
}

/** What is said to a question. */
export interface Said {
  readonly code: number
  readonly authoritative: boolean
  readonly answers?: readonly Answer[]
  readonly authority?: readonly Answer[]
}

/** How long an answer may be. */
export const roomFor = ({ edns }: Question, tcp: boolean): number =>
  tcp ? 65_535 : edns === undefined ? plainBytes : Math.max(plainBytes, Math.min(mostBytes, edns.bytes))

/** An answer. One that has no room is cut to nothing, and the client asks again by TCP. */
export function writeAnswer(question: Question, { code, authoritative, answers = [], authority = [] }: Said, tcp: boolean): Buffer {
  const { id, section, edns } = question
  const flags =
    flag.response |
    (question.flags & (0x7800 | flag.recursionDesired)) |
    flag.recursionAvailable |
    (authoritative ? flag.authoritative : 0) |
    (code & 15)
  const opt = edns === undefined ? [] : [optBytes(code)]
  const whole = Buffer.concat([
    header(id, flags, [1, answers.length, authority.length, opt.length]),
    section,
    ...answers.map(recordBytes),
    ...authority.map(recordBytes),
    ...opt,
  ])
  if (whole.length <= roomFor(question, tcp)) return whole
  return Buffer.concat([header(id, flags | flag.truncated, [1, 0, 0, opt.length]), section, ...opt])
}

/** To a message that cannot be read, but that has an id and is no answer: it has an error. Undefined: silence. */
export function refuseMalformed(message: Buffer): Buffer | undefined {
  if (message.length < headerBytes || (message[2]! & 0x80) !== 0) return undefined
  return header(message.readUInt16BE(0), flag.response | (message.readUInt16BE(2) & 0x7900) | rcode.formErr, [0, 0, 0, 0])
}

/** Whether a server's message answers a question that was sent with this id: everything that a forger must guess. */
export function answersQuestion(message: Buffer, id: number, section: Buffer): boolean {
  return (
    message.length >= headerBytes + section.length &&
    message.readUInt16BE(0) === id &&
    (message[2]! & 0x80) !== 0 &&
    message.readUInt16BE(4) === 1 &&
    message.subarray(headerBytes, headerBytes + section.length).equals(section)
  )
}

/** A server's answer for a client: its id; cut when it has no room. */
export function relayed(message: Buffer, question: Question, tcp: boolean): Buffer {
  const out = Buffer.from(message)
  out.writeUInt16BE(question.id, 0)
  if (out.length <= roomFor(question, tcp)) return out
  const opt = question.edns === undefined ? [] : [optBytes(0)]
  return Buffer.concat([header(question.id, out.readUInt16BE(2) | flag.truncated, [1, 0, 0, opt.length]), question.section, ...opt])
}
