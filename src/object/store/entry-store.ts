/** The forwarding entries of a mux: by VNI, then MAC; and the VTEPs that a VNI's broadcasts are replicated to. */
import { fte, fteFlag } from '#abi/layouts.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { asIp, type Ip } from '#wire/ip-address.ts'
import { MacTable } from './mac-table.ts'

/** A tunnel end point. Equal ones are the same object within a store. */
export interface Vtep {
  readonly family: 4 | 6
  readonly address: Ip
  /** UDP; 0: the mux's own. */
  readonly port: number
  /** Frames from the underlay are forwarded to it, each once. */
  readonly forward: boolean
}

/** One entry of a request. MAC 0: replicate to this VTEP. */
export interface Entry {
  readonly vni: number
  readonly mac: number
  readonly vtep: Vtep
}

/**
 * Entries of a request, in its order, as columns. Objects for 100 000 entries would take longer than everything else.
 */
export interface EntryColumns {
  readonly count: number
  readonly vnis: Uint32Array
  readonly macs: Float64Array
  /** Undefined: its family is neither 4 nor 6. */
  readonly vteps: readonly (Vtep | undefined)[]
}

/** The entries of one VNI. */
export interface VniEntries {
  readonly macs: MacTable<Vtep>
  readonly remotes: Set<Vtep>
  /** How many entries each VTEP is in. */
  readonly uses: Map<Vtep, number>
}

export const formatVtep = ({ address, port }: Vtep): string =>
  port === 0 ? formatEndpoint({ address, port }).replace(/:0$/, '') : formatEndpoint({ address, port })

/** Equal for equal ones. */
const textOf = (vtep: Vtep): string => `${formatEndpoint(vtep)} ${vtep.forward}`

/** The store may know this many unused VTEPs, besides as many as are in use. */
const sparseVteps = 4096

/** Offsets of the parts of an encoded entry. */
const at = fte.offsets

export class EntryStore {
  readonly vnis = new Map<number, VniEntries>()
  /** Entries in all, replication lists included. */
  count = 0
  /** Entries in the journal's log, which is rewritten when it becomes too long. */
  logged = 0
  /** How many entries have a VTEP with a UDP port of its own, by that port. */
  readonly ownPorts = new Map<number, number>()
  /** How many entries have a VTEP. */
  readonly used = new Map<Vtep, number>()
  /** Those of IPv4, by port and address as one number. */
  readonly #byNumber = new Map<number, Vtep>()
  readonly #byBytes = new Map<string, Vtep>()
  readonly #byText = new Map<string, Vtep>()

  /** How many VTEPs are known, those that no entry has included. */
  get known(): number {
    return Math.max(this.#byBytes.size, this.#byText.size)
  }

  /** Forget VTEPs that no entry has. Call it after entries got former VTEPs back. */
  knowUsed(): void {
    this.#byNumber.clear()
    this.#byBytes.clear()
    this.#byText.clear()
    for (const vtep of this.used.keys()) this.#byText.set(textOf(vtep), vtep)
  }

  /** The entries of a VNI, made when there are none. */
  of(vni: number): VniEntries {
    let entries = this.vnis.get(vni)
    if (entries === undefined) this.vnis.set(vni, (entries = { macs: new MacTable(), remotes: new Set(), uses: new Map() }))
    return entries
  }

  /** An entry of a VNI with this VTEP was added (1) or removed (-1). True: it was the first of the VNI, or the last. */
  use(vni: number, vtep: Vtep, by: 1 | -1): boolean {
    countUse(this.used, vtep, by)
    if (vtep.port !== 0) countUse(this.ownPorts, vtep.port, by)
    const left = countUse(this.of(vni).uses, vtep, by)
    return left === 0 || (by === 1 && left === 1)
  }
  /** Give a MAC a VTEP, or none. The caller counts. */
  putMac(vni: number, mac: number, vtep: Vtep | undefined): void {
    const before = this.vnis.get(vni)?.macs.get(mac)
    if (before !== undefined) this.use(vni, before, -1)
    if (vtep !== undefined) {
      this.use(vni, vtep, 1)
      return void this.of(vni).macs.set(mac, vtep)
    }
    this.vnis.get(vni)?.macs.delete(mac)
    this.#prune(vni)
  }

  /** Have a VTEP on the list of a VNI, or not. The caller counts. */
  putRemote(vni: number, vtep: Vtep, listed: boolean): void {
    if ((this.vnis.get(vni)?.remotes.has(vtep) ?? false) === listed) return
    this.use(vni, vtep, listed ? 1 : -1)
    if (listed) return void this.of(vni).remotes.add(vtep)
    this.vnis.get(vni)?.remotes.delete(vtep)
    this.#prune(vni)
  }

  /** Whether an entry has a VTEP of this address and port; 0: the mux's own. */
  uses(address: Ip, port: number): boolean {
    return [false, true].some((forward) => {
      const vtep = this.#byText.get(textOf({ family: address.length === 4 ? 4 : 6, address, port, forward }))
      return vtep !== undefined && this.used.has(vtep)
    })
  }

  /** Forget a VNI that has no entries left. */
  #prune(vni: number): void {
    const entries = this.vnis.get(vni)
    if (entries !== undefined && entries.macs.size === 0 && entries.remotes.size === 0) this.vnis.delete(vni)
  }

  /** The families of all VTEPs. */
  families(): Set<4 | 6> {
    const found = new Set<4 | 6>()
    for (const { macs, remotes } of this.vnis.values()) {
      for (const vtep of remotes) found.add(vtep.family)
      for (const vtep of macs.values()) {
        found.add(vtep.family)
        if (found.size === 2) return found
      }
    }
    return found
  }

  /** Decode an array of `fte`. */
  decode(input: Uint8Array): EntryColumns {
    // Deleted entries and refused calls have left VTEPs behind.
    if (this.known > 2 * this.used.size + sparseVteps) this.knowUsed()
    const count = input.length / fte.size
    const view = new DataView(input.buffer, input.byteOffset, input.length)
    const vnis = new Uint32Array(count)
    const macs = new Float64Array(count)
    const vteps: (Vtep | undefined)[] = []
    for (let i = 0, start = 0; i < count; i++, start += fte.size) {
      vnis[i] = view.getUint32(start + at.vni, true)
      macs[i] = view.getUint16(start + at.mac) * 0x1_0000_0000 + view.getUint32(start + at.mac + 2)
      vteps.push(
        view.getUint8(start + at.family) === 4 && view.getUint8(start + at.pad) === 0
          ? this.#ipv4Vtep(view, start)
          : this.#vtep(view, start),
      )
    }
    return { count, vnis, macs, vteps }
  }

  /** All entries, encoded with their flags, VNI by VNI. */
  encode(): Uint8Array {
    const out = Buffer.alloc(this.count * fte.size)
    let start = 0
    for (const entry of this) {
      writeEntry(out, start, entry)
      start += fte.size
    }
    return out
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const [vni, { macs, remotes }] of this.vnis) {
      for (const vtep of remotes) yield { vni, mac: 0, vtep }
      for (const [mac, vtep] of macs) yield { vni, mac, vtep }
    }
  }

  #ipv4Vtep(view: DataView, start: number): Vtep | undefined {
    const port = view.getUint16(start + at.port)
    const address = view.getInt32(start + at.address)
    // Small integers are the fastest keys. A VTEP without a port of its own has its address as the key, and no other
    // VTEP can have that.
    const number = port === 0 ? address : port * 0x1_0000_0000 + (address >>> 0)
    let vtep = this.#byNumber.get(number)
    if (vtep === undefined && (vtep = this.#vtep(view, start)) !== undefined) this.#byNumber.set(number, vtep)
    return vtep
  }

  #vtep(view: DataView, start: number): Vtep | undefined {
    const bytes = Buffer.from(view.buffer, view.byteOffset + start, fte.size)
    const raw = bytes.toString('latin1', at.port)
    const known = this.#byBytes.get(raw)
    if (known !== undefined) return known
    const { family, port, address, pad } = fte.decode(bytes)
    if (family !== 4 && family !== 6) return undefined
    const found: Vtep = { family, port, address: asIp(address.slice(0, family === 4 ? 4 : 16)), forward: hasFlag(pad, 'forward') }
    // Unused bytes (padding, bytes after an IPv4 address) must not make two VTEPs of one.
    const text = textOf(found)
    const vtep = this.#byText.get(text) ?? found
    this.#byText.set(text, vtep)
    this.#byBytes.set(raw, vtep)
    return vtep
  }
}

/** The bytes after a flag are zero. Whatever an old caller leaves there is no flag. */
const hasFlag = (pad: Uint8Array, flag: keyof typeof fteFlag): boolean => (pad[0]! & fteFlag[flag]) !== 0 && pad[1] === 0 && pad[2] === 0

/** Count one more, or one fewer. The result: how many there are now. */
function countUse<K>(counts: Map<K, number>, key: K, by: 1 | -1): number {
  const left = (counts.get(key) ?? 0) + by
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
  return left
}

function writeEntry(out: Buffer, start: number, { vni, mac, vtep }: Entry): void {
  out.writeUInt32LE(vni, start + at.vni)
  out.writeUIntBE(mac, start + at.mac, 6)
  out.writeUInt16BE(vtep.port, start + at.port)
  out[start + at.family] = vtep.family
  out[start + at.pad] = vtep.forward ? fteFlag.forward : 0
  out.set(vtep.address, start + at.address)
}
