/**
 * A mirror's base in a file: sections of bytes, then a head in JSON that names them with their CRC-32, then a trailer
 * that finds the head. The file is written from its begin to its end, and read whole.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { endianness } from 'node:os'
import { crc32 } from 'node:zlib'
import type { BaseSinks, MirrorBase, RestEntry } from './mirror-base.ts'
import { rooms } from './mirrored.ts'
import { references } from './targets.ts'

/** Rises with each change of what the sections contain, or of how it follows from the records. */
const format = 1
const magic = 'vpcmirr1'
/** The magic, and length and CRC-32 of the head. */
const trailerBytes = 16

/** Another code may make other columns of the same records. */
const code = createHash('sha256')
  .update(JSON.stringify([format, endianness(), [...references]]))
  .digest('hex')

interface Section {
  readonly name: string
  readonly bytes: number
  readonly crc: number
}

/** Which store it is of. */
export interface CheckpointMark {
  /** Of the key in the store. */
  readonly id: string
  /** The value of that key, written after this file: a store without it, or with another, has another history. */
  readonly mark: string
}

interface Head extends CheckpointMark {
  readonly code: string
  /** First words of the keys that it has: a mirror that keeps others reads all. */
  readonly rooms: readonly string[]
  readonly revision: number
  readonly rest: readonly RestEntry[]
  readonly sections: readonly Section[]
}

/** The file is not whole, or of another version. */
export class CheckpointUnusable extends Error {}

const columns = ['inOrder', 'usersFrom', 'users', 'accounts', 'nameHashes', 'nameRows', 'alike', 'standing'] as const
const tables = ['objects', 'claims', 'gone'] as const

export class CheckpointWriter implements Disposable {
  readonly #fd: number
  readonly #sections: Section[] = []

  /** Make the file, for its owner alone. */
  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o600)
  }

  /** Take the pieces of a base that is being built. */
  readonly sinks: BaseSinks = {
    objects: (piece) => this.#section('objects', piece),
    claims: (piece) => this.#section('claims', piece),
    gone: (piece) => this.#section('gone', piece),
  }

  #section(name: string, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at)
    this.#sections.push({ name, bytes: bytes.length, crc: crc32(bytes) })
  }

  /** Write what is left of a base, and wait for the disk. */
  end({ revision, objects, claims, gone, rest }: MirrorBase, mark: CheckpointMark): void {
    const rows = { objects: objects.rows, claims, gone }
    for (const table of tables) {
      for (const piece of rows[table].pieces) this.#section(table, piece)
      this.#section(`${table}.places`, bytesOf(rows[table].places))
    }
    this.#section('ids', objects.ids)
    for (const column of columns) this.#section(column, bytesOf(objects[column]))
    const head = Buffer.from(JSON.stringify({ ...mark, code, rooms, revision, rest, sections: this.#sections } satisfies Head))
    const trailer = Buffer.alloc(trailerBytes)
    trailer.write(magic, 'latin1')
    trailer.writeUInt32LE(head.length, 8)
    trailer.writeUInt32LE(crc32(head), 12)
    for (const bytes of [head, trailer]) for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at)
    fsyncSync(this.#fd)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)

/** Read a file. Throws CheckpointUnusable when it is torn, changed or of another version, and errors of the disk. */
export function readCheckpoint(path: string): { readonly base: MirrorBase } & CheckpointMark {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const { head, at } = readHead(fd, size)
    if (head.sections.reduce((sum, { bytes }) => sum + bytes, 0) !== at) throw new CheckpointUnusable('it is not whole')
    const found = new Map<string, Buffer[]>()
    let from = 0
    for (const { name, bytes, crc } of head.sections) {
      const section = readBytes(fd, from, bytes)
      if (crc32(section) !== crc) throw new CheckpointUnusable(`its section ${name} was changed`)
      found.set(name, [...(found.get(name) ?? []), section])
      from += bytes
    }
    return { base: baseOf(head, found), id: head.id, mark: head.mark }
  } finally {
    closeSync(fd)
  }
}

function readHead(fd: number, size: number): { readonly head: Head; readonly at: number } {
  if (size < trailerBytes) throw new CheckpointUnusable('it is not whole')
  const trailer = readBytes(fd, size - trailerBytes, trailerBytes)
  const [length, crc] = [trailer.readUInt32LE(8), trailer.readUInt32LE(12)]
  const at = size - trailerBytes - length
  if (trailer.toString('latin1', 0, 8) !== magic || at < 0) throw new CheckpointUnusable('it is not whole')
  const bytes = readBytes(fd, at, length)
  if (crc32(bytes) !== crc) throw new CheckpointUnusable('its head was changed')
  const head = JSON.parse(bytes.toString()) as Head
  if (head.code !== code || String(head.rooms) !== String(rooms)) throw new CheckpointUnusable('another version wrote it')
  return { head, at }
}

function readBytes(fd: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length;) {
    const count = readSync(fd, bytes, at, length - at, from + at)
    if (count === 0) throw new CheckpointUnusable('it is not whole')
    at += count
  }
  return bytes
}

function baseOf({ revision, rest }: Head, found: ReadonlyMap<string, readonly Buffer[]>): MirrorBase {
  const one = (name: string): Buffer => {
    const section = found.get(name)?.[0]
    if (section === undefined) throw new CheckpointUnusable(`it has no section ${name}`)
    return section
  }
  const rows = (table: string): MirrorBase['claims'] => {
    const { buffer, byteLength } = one(`${table}.places`)
    return { pieces: found.get(table) ?? [], places: new Float64Array(buffer, 0, byteLength / 8) }
  }
  const numbers = columns.map((name): [string, Uint32Array] => {
    const { buffer, byteLength } = one(name)
    return [name, new Uint32Array(buffer, 0, byteLength / 4)]
  })
  const own = Object.fromEntries(numbers) as Record<(typeof columns)[number], Uint32Array>
  return { revision, rest, claims: rows('claims'), gone: rows('gone'), objects: { rows: rows('objects'), ids: one('ids'), ...own } }
}
