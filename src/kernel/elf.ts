/** The parts of a 64-bit ELF object that loading eBPF needs: sections by name, and symbols. */
import { cStruct, u16, u32, u64, u8, type Value } from '#abi/c-struct.ts'

const fileHeader = cStruct({
  magic: u32,
  class: u8,
  data: u8,
  identVersion: u16,
  identRest: u64,
  type: u16,
  machine: u16,
  version: u32,
  entry: u64,
  programHeaderOffset: u64,
  sectionHeaderOffset: u64,
  flags: u32,
  headerSize: u16,
  programHeaderSize: u16,
  programHeaderCount: u16,
  sectionHeaderSize: u16,
  sectionHeaderCount: u16,
  sectionNameIndex: u16,
})
const sectionHeader = cStruct({
  name: u32,
  type: u32,
  flags: u64,
  address: u64,
  offset: u64,
  size: u64,
  link: u32,
  info: u32,
  alignment: u64,
  entrySize: u64,
})
const symbolEntry = cStruct({ name: u32, info: u8, other: u8, section: u16, value: u64, size: u64 })

const MAGIC = 0x464c457f
const CLASS_64 = 2
const LITTLE_ENDIAN = 1
const SECTION_NOBITS = 8

export interface ElfSection {
  readonly name: string
  readonly bytes: Uint8Array
  /** Index of the section with this section's strings, for section types that have one. */
  readonly link: number
}

export interface ElfSymbol {
  readonly name: string
  readonly section: string
  readonly offset: number
  readonly size: number
}

/** Read an ELF object's sections, in their order. Throws RangeError for anything but 64-bit little-endian ELF. */
export function elfSections(file: Uint8Array): ElfSection[] {
  if (file.length < fileHeader.size) throw new RangeError(`a file of ${file.length} bytes is not an ELF object`)
  const header = fileHeader.decode(file)
  if (header.magic !== MAGIC || header.class !== CLASS_64 || header.data !== LITTLE_ENDIAN) {
    throw new RangeError('not a 64-bit little-endian ELF object')
  }
  const table = Number(header.sectionHeaderOffset)
  const headers = Array.from({ length: header.sectionHeaderCount }, (_, i) =>
    sectionHeader.decode(file.subarray(table + i * sectionHeader.size)),
  )
  const contents = headers.map((section) => sectionBytes(file, section))
  const names = contents[header.sectionNameIndex] ?? new Uint8Array()
  return headers.map(({ name, link }, i) => ({ name: stringAt(names, name), bytes: contents[i]!, link }))
}

/** The content of the section of that name; undefined when there is none. */
export function elfSection(file: Uint8Array, name: string): Uint8Array | undefined {
  return elfSections(file).find((section) => section.name === name)?.bytes
}

/** The named symbols that stand in a section. */
export function elfSymbols(file: Uint8Array): ElfSymbol[] {
  const sections = elfSections(file)
  const table = sections.find(({ name }) => name === '.symtab')
  const names = table && sections[table.link]
  if (!names) return []
  return Array.from({ length: Math.floor(table.bytes.length / symbolEntry.size) }, (_, i) => {
    const { name, section, value, size } = symbolEntry.decode(table.bytes.subarray(i * symbolEntry.size))
    return { name: stringAt(names.bytes, name), section: sections[section]?.name ?? '', offset: Number(value), size: Number(size) }
  }).filter(({ name, section }) => name !== '' && section !== '')
}

/** The NUL-terminated string at an offset of a string table. */
export function stringAt(table: Uint8Array, offset: number): string {
  const end = table.indexOf(0, offset)
  return Buffer.from(table.subarray(offset, end < 0 ? table.length : end)).toString('latin1')
}

function sectionBytes(file: Uint8Array, { type, offset, size }: Value<typeof sectionHeader>): Uint8Array {
  if (type === SECTION_NOBITS) return new Uint8Array()
  const end = Number(offset + size)
  if (end > file.length) throw new RangeError(`ELF section ends at ${end}, the file at ${file.length}`)
  return file.subarray(Number(offset), end)
}
