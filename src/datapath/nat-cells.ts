/**
 * Tables of source NAT: which public ports inside addresses have. Programs write them; vpcd makes the map of each NAT,
 * of the size of its public addresses, and reads who has which blocks.
 */
import { BpfMap } from '#kernel/bpf-map.ts'
import { openInner, wordBytes as word, wordOf } from './inner-map.ts'
import { flowState } from './policy-layout.ts'
import * as layout from './nat-cell-layout.ts'

/** BPF_F_INNER_MAP */
const innerMap = 0x1000

/** What an inside address has of a NAT. Addresses are as in vpc_neighbour_key. */
export interface NatGuest {
  readonly nat: number
  readonly vpc: number
  readonly inside: Uint8Array
  readonly address: number
  /** Numbers of its blocks. */
  readonly blocks: readonly number[]
  /** Ports in use, by plane. */
  readonly used: readonly number[]
  readonly sinceS: number
}

/** A public port in use. */
export interface UsedCell extends layout.NatCell {
  readonly address: number
  readonly plane: layout.NatPlane
  readonly publicPort: number
}

/** A block of public ports that an inside address had on another host. */
export interface KeptCells {
  readonly vpc: number
  readonly inside: Uint8Array
  /** Place of the public address. */
  readonly address: number
  readonly block: number
}

/** An inside address, and its blocks of one public address. */
interface Owner extends Omit<KeptCells, 'block'> {
  readonly blocks: readonly number[]
}

const secondsNow = (): number => Number(process.hrtime.bigint() / 1_000_000_000n) >>> 0

/** Each block is one address's, and an address has blocks of one public address, as the programs give them. */
function ownersOf(had: readonly KeptCells[]): Owner[] {
  const found = new Map<string, Owner & { readonly blocks: number[] }>()
  const taken = new Set<string>()
  for (const { vpc, inside, address, block } of had) {
    const key = `${vpc} ${Buffer.from(inside).toString('hex')}`
    const owner = found.get(key) ?? { vpc, inside, address, blocks: [] }
    const place = `${address} ${block}`
    if (owner.address !== address || owner.blocks.length >= layout.natGuestBlocks || taken.has(place)) continue
    taken.add(place)
    owner.blocks.push(block)
    found.set(key, owner)
  }
  return [...found.values()]
}

/** Write down whose blocks they are, in a map that no program has yet. */
function takeBlocks(map: BpfMap, { vpc, inside, address, blocks }: Owner): void {
  const free = { turn: 0, peers: 0n, seed: 0, port: 0, fins: 0 }
  const cell = layout.natCell.encode({ ...free, lastS: secondsNow(), vpc, inside, state: layout.natBlockState.taken })
  for (const block of blocks) map.update(word(layout.natCellIndex(address, 0, block)), cell)
}

const noBlocks = Array.from({ length: layout.natGuestBlocks - 1 }, () => 0xffff)
const same = (a: Uint8Array, b: Uint8Array | undefined): boolean => b !== undefined && Buffer.compare(a, b) === 0

export class NatCells {
  readonly #cells: BpfMap
  readonly #guests: BpfMap
  readonly #inside: BpfMap

  constructor(cells: BpfMap, guests: BpfMap, inside: BpfMap) {
    this.#cells = cells
    this.#guests = guests
    this.#inside = inside
  }

  /** The NATs that have a map. */
  known(): number[] {
    const found: number[] = []
    for (const { keys, values, count } of this.#cells.batches())
      for (let i = 0; i < count; i++) if (values.view.getUint32(i * 4, true) !== 0) found.push(keys.view.getUint32(i * 4, true))
    return found
  }

  /** The public addresses of a NAT's map; none: it has no map. */
  addressesOf(nat: number): Uint8Array[] {
    using own = this.#open(nat)
    if (own === undefined) return []
    const heads = Array.from({ length: own.maxEntries / layout.cellsOfAddress }, (_, i) => own.lookup(word(headIndex(i)))!)
    return heads.map((head) => layout.natHeadCell.decode(head).addr.slice())
  }

  /** How many blocks of public ports are taken, and how many there are; undefined: it shares no address. */
  fill(nat: number): { readonly blocks: number; readonly maxBlocks: number } | undefined {
    using own = this.#open(nat)
    if (own === undefined) return undefined
    const addresses = own.maxEntries / layout.cellsOfAddress
    let blocks = 0
    for (let i = 0; i < addresses; i++) blocks += layout.natHeadCell.decode(own.lookup(word(headIndex(i)))!).taken
    return { blocks, maxBlocks: addresses * layout.natAddressBlocks }
  }

  /**
   * Give a NAT a map for these addresses; none: it has no map. Ports of addresses that keep their place go along. In a
   * map of a NAT that had none, the blocks of `had` are their owners' from the start.
   */
  set(nat: number, addresses: readonly Uint8Array[], had: readonly KeptCells[] = []): void {
    const before = this.addressesOf(nat)
    const kept = firstDifference(before, addresses)
    if (kept === before.length && kept === addresses.length) return
    using old = this.#open(nat)
    const owners = old === undefined ? ownersOf(had) : []
    if (addresses.length > 0) {
      using map = newMap(addresses.length)
      if (old !== undefined) copyCells(old, map, kept)
      for (const [i, addr] of addresses.entries()) {
        const given = owners.filter((each) => each.address === i).reduce((sum, { blocks }) => sum + blocks.length, 0)
        const taken = i < kept ? layout.natHeadCell.decode(old!.lookup(word(headIndex(i)))!).taken : given
        map.update(word(headIndex(i)), layout.natHeadCell.encode({ taken, addresses: addresses.length, addr }))
      }
      for (const owner of owners) takeBlocks(map, owner)
      this.#cells.update(word(nat), word(map.fd))
    } else {
      this.#cells.delete(word(nat))
    }
    this.#forget(nat, kept)
    if (addresses.length > 0) for (const owner of owners) this.#own(nat, owner)
  }

  /** Have an inside address own its blocks. It may have got others in this very moment. */
  #own(nat: number, { vpc, inside, address, blocks }: Owner): void {
    const key = layout.natGuestKey.encode({ nat, vpc, inside })
    if (this.#guests.lookup(key) !== undefined) return
    const lastS = secondsNow()
    const guest = { address, count: blocks.length, used: [0, 0, 0], hand: 0, fullTick: [0, 0, 0, 0], lastS, sinceS: lastS }
    const block = Array.from({ length: layout.natGuestBlocks }, (_, i) => blocks[i] ?? 0xffff)
    this.#guests.update(key, layout.natGuest.encode({ ...guest, block }))
  }

  /** What inside addresses have, of one NAT or of all. */
  guests(nat?: number): NatGuest[] {
    return this.#guests.entries().flatMap(([key, value]) => {
      const of = layout.natGuestKey.decode(key)
      const { address, count, used, sinceS, block } = layout.natGuest.decode(value)
      if (nat !== undefined && of.nat !== nat) return []
      return [
        {
          ...of,
          inside: of.inside.slice(),
          address,
          blocks: block.slice(0, count).filter((b) => b !== 0xffff),
          used: used.slice(),
          sinceS,
        },
      ]
    })
  }

  /** The public ports in use. */
  used(nat: number): UsedCell[] {
    using own = this.#open(nat)
    return [...cellsIn(own)].flatMap(([index, cell]) => {
      if (index % 65536 < layout.natFirstPort) return []
      const [address, plane] = [Math.floor(index / layout.cellsOfAddress), Math.floor(index / 65536) % layout.natPlanes.length]
      return [{ ...cell, address, plane: layout.natPlanes[plane]!, publicPort: index % 65536 }]
    })
  }

  /** How many ports of an inside address are only kept until it begins another connection: the last one is over. */
  over({ nat, address, blocks }: NatGuest): number {
    using own = this.#open(nat)
    const ports = blocks.flatMap((block) =>
      Array.from({ length: layout.natBlock }, (_, i) => layout.natFirstPort + block * layout.natBlock + i),
    )
    const tcp = layout.natPlanes.indexOf('tcp')
    return ports.filter((port) => {
      const value = own?.lookup(word(layout.natCellIndex(address, tcp, port)))
      const { state, fins } = value === undefined ? { state: 0, fins: 0 } : layout.natCell.decode(value)
      return state === flowState.closing && fins & layout.natOver
    }).length
  }

  /** Give an inside address a first block of the first address, for tests. */
  giveBlock({ nat, vpc, inside }: Pick<NatGuest, 'nat' | 'vpc' | 'inside'>, block: number): void {
    const now = Number(process.hrtime.bigint() / 1_000_000_000n) >>> 0
    const guest = { address: 0, count: 1, used: [0, 0, 0], hand: 0, fullTick: [0, 0, 0, 0], lastS: now, sinceS: now }
    this.#guests.update(layout.natGuestKey.encode({ nat, vpc, inside }), layout.natGuest.encode({ ...guest, block: [block, ...noBlocks] }))
  }

  /** Have the last packets of all ports, and the last new port of each guest, be so many seconds ago, for tests. */
  setIdle(nat: number, seconds: number): void {
    const lastS = (Number(process.hrtime.bigint() / 1_000_000_000n) - seconds) >>> 0
    using own = this.#open(nat)
    for (const [index, cell] of cellsIn(own)) own!.update(word(index), layout.natCell.encode({ ...cell, lastS }))
    for (const [key, value] of this.#guests.entries())
      if (layout.natGuestKey.decode(key).nat === nat)
        this.#guests.update(key, layout.natGuest.encode({ ...layout.natGuest.decode(value), lastS }))
  }

  /** Forget the owners of ports of addresses that are gone, from one on. */
  #forget(nat: number, from: number): void {
    for (const [key, value] of this.#guests.entries())
      if (layout.natGuestKey.decode(key).nat === nat && layout.natGuest.decode(value).address >= from) this.#guests.delete(key)
    for (const [key, value] of this.#inside.entries())
      if (layout.natInsideKey.decode(key).nat === nat && wordOf(value) >= from * layout.cellsOfAddress) this.#inside.delete(key)
  }

  #open(nat: number): BpfMap | undefined {
    return openInner(this.#cells, nat)
  }
}

/** The cells and blocks of a NAT that somebody has. The state of a head lies in its `rest`, which is 0. */
function* cellsIn(map: BpfMap | undefined): Generator<[index: number, cell: layout.NatCell]> {
  const { size, offsets } = layout.natCell
  for (const { keys, values, count } of map?.batches() ?? [])
    for (let i = 0; i < count; i++)
      if (values.bytes[i * size + offsets.state] !== 0)
        yield [keys.view.getUint32(i * 4, true), layout.natCell.decode(values.bytes.slice(i * size, (i + 1) * size))]
}

const headIndex = (address: number): number => layout.natCellIndex(address, 0, layout.natHead)

function firstDifference(a: readonly Uint8Array[], b: readonly Uint8Array[]): number {
  const at = a.findIndex((each, i) => !same(each, b[i]))
  return at < 0 ? a.length : at
}

const newMap = (addresses: number): BpfMap =>
  BpfMap.create({
    type: 'array',
    keySize: 4,
    valueSize: layout.natCell.size,
    maxEntries: addresses * layout.cellsOfAddress,
    flags: innerMap,
    name: 'nat_cells_of_one',
  })

/** Copy the cells of the first addresses. Who takes a port meanwhile takes one again with the next packet. */
function copyCells(from: BpfMap, to: BpfMap, addresses: number): void {
  const end = addresses * layout.cellsOfAddress
  for (const { keys, values, count } of from.batches()) {
    const first = keys.view.getUint32(0, true)
    const n = Math.min(count, end - first)
    if (n <= 0) return
    to.updateBatch(keys.bytes.subarray(0, n * 4), values.bytes.subarray(0, n * layout.natCell.size))
  }
}
