/**
 * BTF, the type information of an eBPF object: structs with their members' places, enums, and a text by which layouts
 * compare.
 */
import { cStruct, u16, u32, u8 } from '#abi/c-struct.ts'
import { elfSection, stringAt } from './elf.ts'

const header = cStruct({
  magic: u16,
  version: u8,
  flags: u8,
  headerLength: u32,
  typeOffset: u32,
  typeLength: u32,
  stringOffset: u32,
  stringLength: u32,
})
const commonType = cStruct({ name: u32, info: u32, size: u32 })
const MAGIC = 0xeb9f

/** Kinds of types, and how many bytes follow the common part: once, or for each of its members. */
const kinds = [
  { name: 'void', once: 0, each: 0 },
  { name: 'int', once: 4, each: 0 },
  { name: 'pointer', once: 0, each: 0 },
  { name: 'array', once: 12, each: 0 },
  { name: 'struct', once: 0, each: 12 },
  { name: 'union', once: 0, each: 12 },
  { name: 'enum', once: 0, each: 8 },
  { name: 'forward', once: 0, each: 0 },
  { name: 'typedef', once: 0, each: 0 },
  { name: 'volatile', once: 0, each: 0 },
  { name: 'const', once: 0, each: 0 },
  { name: 'restrict', once: 0, each: 0 },
  { name: 'function', once: 0, each: 0 },
  { name: 'prototype', once: 0, each: 8 },
  { name: 'variable', once: 4, each: 0 },
  { name: 'section', once: 0, each: 12 },
  { name: 'float', once: 0, each: 0 },
  { name: 'tag', once: 4, each: 0 },
  { name: 'typeTag', once: 0, each: 0 },
  { name: 'enum64', once: 0, each: 12 },
] as const
type Kind = (typeof kinds)[number]['name']

/** One type as it stands in the section. */
interface RawType {
  readonly kind: Kind
  readonly name: string
  /** Bytes of the type, or the id of the type that it refers to. */
  readonly sizeOrType: number
  /** How many members. */
  readonly count: number
  /** The kind's flag: a struct has bit fields. */
  readonly flag: boolean
  readonly extra: DataView
}

export interface BtfMember {
  readonly name: string
  readonly offset: number
  readonly size: number
}

/** An integer somewhere in a type: its path of member names and indexes, and its place in bytes. */
export interface BtfLeaf {
  readonly path: string
  readonly offset: number
  readonly size: number
}

export interface BtfStruct {
  readonly name: string
  readonly size: number
  readonly members: readonly BtfMember[]
}

/** The types of one object. */
export class Btf {
  readonly #types: RawType[]
  readonly #strings: Uint8Array

  /** Parse the raw bytes. Throws RangeError for what is not BTF. */
  constructor(raw: Uint8Array) {
    const { magic, headerLength, typeOffset, typeLength, stringOffset, stringLength } = header.decode(raw)
    if (magic !== MAGIC) throw new RangeError('not BTF of this byte order')
    this.#strings = raw.subarray(headerLength + stringOffset, headerLength + stringOffset + stringLength)
    const types = raw.subarray(headerLength + typeOffset, headerLength + typeOffset + typeLength)
    this.#types = [{ kind: 'void', name: 'void', sizeOrType: 0, count: 0, flag: false, extra: new DataView(new ArrayBuffer(0)) }]
    for (let at = 0; at < types.length;) {
      const { name, info, size } = commonType.decode(types.subarray(at))
      const kind = kinds[(info >>> 24) & 0x1f]
      if (!kind) throw new RangeError(`BTF kind ${(info >>> 24) & 0x1f} is not known`)
      const count = info & 0xffff
      const length = kind.once + count * kind.each
      const extra = new DataView(types.buffer, types.byteOffset + at + commonType.size, length)
      this.#types.push({ kind: kind.name, name: this.#string(name), sizeOrType: size, count, flag: info >>> 31 === 1, extra })
      at += commonType.size + length
    }
  }

  /** The types of an object file. Throws RangeError when it was compiled without. */
  static ofObject(file: Uint8Array): Btf {
    const raw = elfSection(file, '.BTF')
    if (!raw) throw new RangeError('the object has no BTF: compile it with -g')
    return new Btf(raw)
  }

  /** A struct by its tag; undefined when the object does not use it. */
  struct(name: string): BtfStruct | undefined {
    const type = this.#types.find((candidate) => candidate.kind === 'struct' && candidate.name === name)
    if (!type) return undefined
    const members = this.#members(type).map((member) => ({ name: member.name, offset: member.offset, size: this.sizeOf(member.type) }))
    return { name, size: type.sizeOrType, members }
  }

  /** An enum's values by their names; undefined when the object does not use it. */
  enum(name: string): Readonly<Record<string, number>> | undefined {
    const type = this.#types.find((candidate) => candidate.kind === 'enum' && candidate.name === name)
    return type && Object.fromEntries(this.#values(type))
  }

  /** Bytes that a type takes. */
  sizeOf(id: number): number {
    const type = this.#type(id)
    switch (type.kind) {
      case 'pointer':
        return 8
      case 'array':
        return this.sizeOf(type.extra.getUint32(0, true)) * type.extra.getUint32(8, true)
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'typeTag':
      case 'variable':
        return this.sizeOf(type.sizeOrType)
      case 'function':
      case 'prototype':
      case 'forward':
      case 'tag':
      case 'void':
        return 0
      default:
        return type.sizeOrType
    }
  }

  /**
   * A type written out down to its integers, without the names of types. Two types with the same text have the same
   * layout in memory and the same member names.
   */
  layout(id: number): string {
    const type = this.#type(id)
    switch (type.kind) {
      case 'array':
        return `${this.layout(type.extra.getUint32(0, true))}[${type.extra.getUint32(8, true)}]`
      case 'struct':
      case 'union':
        return `${type.kind} { ${this.#members(type)
          .map(({ name, offset, type: of }) => `${name} @${offset} ${this.layout(of)}`)
          .join('; ')} }`
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'typeTag':
      case 'variable':
        return this.layout(type.sizeOrType)
      default:
        return `${type.kind}${this.sizeOf(id) * 8}`
    }
  }

  /** All integers of a type, by paths as `dst[3].vtep.port`. The path of a type that is an integer itself is empty. */
  leaves(id: number, path = '', offset = 0): BtfLeaf[] {
    const type = this.#type(id)
    switch (type.kind) {
      case 'array': {
        const [element, count] = [type.extra.getUint32(0, true), type.extra.getUint32(8, true)]
        const size = this.sizeOf(element)
        return Array.from({ length: count }, (_, i) => this.leaves(element, `${path}[${i}]`, offset + i * size)).flat()
      }
      case 'struct':
      case 'union':
        return this.#members(type).flatMap((member) =>
          this.leaves(member.type, path === '' ? member.name : `${path}.${member.name}`, offset + member.offset),
        )
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'typeTag':
        return this.leaves(type.sizeOrType, path, offset)
      default:
        return [{ path, offset, size: this.sizeOf(id) }]
    }
  }

  #type(id: number): RawType {
    const type = this.#types[id]
    if (!type) throw new RangeError(`BTF has no type ${id}`)
    return type
  }

  #members(type: RawType): { name: string; offset: number; type: number }[] {
    return Array.from({ length: type.count }, (_, i) => {
      const bits = type.extra.getUint32(12 * i + 8, true)
      return {
        name: this.#string(type.extra.getUint32(12 * i, true)),
        // With bit fields the upper 8 bits are the field's width.
        offset: (type.flag ? bits & 0xffffff : bits) / 8,
        type: type.extra.getUint32(12 * i + 4, true),
      }
    })
  }

  // A compiler may leave the flag for signed values unset: the format has them as __s32.
  #values(type: RawType): [string, number][] {
    return Array.from({ length: type.count }, (_, i) => [
      this.#string(type.extra.getUint32(8 * i, true)),
      type.extra.getInt32(8 * i + 4, true),
    ])
  }

  #string(offset: number): string {
    return stringAt(this.#strings, offset)
  }
}
