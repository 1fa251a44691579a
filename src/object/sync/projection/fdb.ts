/**
 * Table `fdb`: where a MAC of a segment is. A unit of this host wins over a mux's entry, which returns when the unit
 * goes.
 */
import { cStruct, pad, u32, type Value } from '#abi/c-struct.ts'
import { dst, type Dst } from '#datapath/layout.ts'
import type { Vtep } from '../../store/entry-store.ts'
import { macField } from '../../store/keys.ts'
import type { Model, Mux, Port } from '../../store/model.ts'
import { toUnit, toVtep } from './destination.ts'
import type { Dirty } from '../../store/dirty.ts'
import type { Encoded, Projection } from './projection.ts'

/** struct vpc_fdb_key, its MAC as a number. */
export const fdbPlace = cStruct({ segment: u32, mac: macField, pad: pad(2) })
export type FdbPlace = Value<typeof fdbPlace>

export const fdb: Projection<FdbPlace, Dst> = {
  *keys(model: Model) {
    for (const [segment, macs] of model.members) for (const mac of macs.keys()) yield { segment, mac }
    for (const mux of model.ofType('vpcmux')) {
      for (const [vni, { macs }] of mux.entries.vnis) {
        // Those of units of this host came above.
        const here = model.members.get(vni)
        for (const mac of macs.keys()) if (here?.has(mac) !== true) yield { segment: vni, mac }
      }
    }
  },
  keyField: fdbPlace,
  valueField: dst,
  values(model) {
    const muxes = muxPlaces(model)
    const remote = new Map<number, ReturnType<typeof remoteOf>>()
    return ({ segment, mac }) => {
      const port = model.members.get(segment)?.get(mac)
      if (!remote.has(segment)) remote.set(segment, remoteOf(muxes, segment))
      const there = remote.get(segment)!(mac)?.value
      return (port && unitOnItsWay(model, port, there)) ?? there
    }
  },
}

/**
 * The unit in a port. An entry that puts its MAC behind another host says that its guest comes from there or goes
 * there: frames that this host alone sends on are then its guest's (bpf/lib/sender.h).
 */
function unitOnItsWay(model: Model, port: Port, there: Dst | undefined): Dst | undefined {
  const here = toUnit(model, port)
  return here && there ? { ...here, vtep: there.vtep } : here
}

/** The values of MACs by segment, encoded at once: the same as `expected` gives, specialised for 100 000 of them. */
export function encodeFdb(model: Model, { groups, lists }: Dirty['fdb']): Encoded {
  const muxes = muxPlaces(model)
  const room = [...groups.values()].reduce((sum, macs) => sum + macs.size, 0) + lists.reduce((sum, { macs }) => sum + macs.length, 0)
  const encoder = new FdbEncoder(room)
  const add = (segment: number, macs: readonly number[]): void => {
    const here = model.members.get(segment)
    const remote = remoteOf(muxes, segment)
    for (let i = 0; i < macs.length; i++) {
      const mac = macs[i]!
      const port = here?.get(mac)
      const there = remote(mac)
      const unit = port && unitOnItsWay(model, port, there?.value)
      encoder.add(segment, mac, unit === undefined ? there?.words : wordsOf(unit))
    }
  }
  for (const [segment, macs] of groups) add(segment, [...macs])
  for (const { segment, macs } of lists) {
    const done = groups.get(segment)
    add(segment, done === undefined ? macs : macs.filter((mac) => !done.has(mac)))
  }
  return encoder.encoded()
}

const valueWords = dst.size / 4
const wordsOf = (value: Dst): Uint32Array => new Uint32Array(dst.encode(value).buffer)

/** Takes MACs of segments one by one, each with the words of its value. */
class FdbEncoder {
  readonly #keys: DataView<ArrayBuffer>
  readonly #values: Uint32Array<ArrayBuffer>
  readonly #gone: DataView<ArrayBuffer>
  #wanted = 0
  #unwanted = 0

  constructor(room: number) {
    this.#keys = new DataView(new ArrayBuffer(room * fdbPlace.size))
    this.#values = new Uint32Array(room * valueWords)
    this.#gone = new DataView(new ArrayBuffer(room * fdbPlace.size))
  }

  add(segment: number, mac: number, words: Uint32Array | undefined): void {
    if (words === undefined) return writePlace(this.#gone, this.#unwanted++ * fdbPlace.size, segment, mac)
    const at = this.#wanted++
    const values = this.#values
    for (let i = 0; i < valueWords; i++) values[at * valueWords + i] = words[i]!
    writePlace(this.#keys, at * fdbPlace.size, segment, mac)
  }

  encoded(): Encoded {
    return {
      keys: new Uint8Array(this.#keys.buffer, 0, this.#wanted * fdbPlace.size),
      values: new Uint8Array(this.#values.buffer, 0, this.#wanted * dst.size),
      gone: new Uint8Array(this.#gone.buffer, 0, this.#unwanted * fdbPlace.size),
    }
  }
}

function writePlace(view: DataView, at: number, segment: number, mac: number): void {
  view.setUint32(at + fdbPlace.offsets.segment, segment, true)
  view.setUint16(at + fdbPlace.offsets.mac, mac / 0x1_0000_0000)
  view.setUint32(at + fdbPlace.offsets.mac + 2, mac >>> 0)
}

/** The destination of a VTEP. Many MACs are behind one, so it is computed and encoded once. */
interface Place {
  readonly value: Dst
  readonly words: Uint32Array
}

/** A mux, and the destinations of its VTEPs; null: none. */
interface MuxPlaces {
  readonly mux: Mux
  readonly places: Map<Vtep, Place | null>
}

const muxPlaces = (model: Model): MuxPlaces[] => [...model.ofType('vpcmux')].map((mux) => ({ mux, places: new Map() }))

/** The destination of a MAC by the muxes' entries. */
function remoteOf(muxes: readonly MuxPlaces[], segment: number): (mac: number) => Place | undefined {
  const found = muxes.flatMap(({ mux, places }) => {
    const macs = mux.entries.vnis.get(segment)?.macs
    return macs === undefined ? [] : [{ mux, places, macs }]
  })
  return (mac) => {
    for (const { mux, places, macs } of found) {
      const vtep = macs.get(mac)
      if (vtep !== undefined) return placeOf(mux, places, vtep) ?? undefined
    }
    return undefined
  }
}

function placeOf(mux: Mux, places: MuxPlaces['places'], vtep: Vtep): Place | null {
  let place = places.get(vtep)
  if (place === undefined) {
    const value = toVtep(mux, vtep)
    places.set(vtep, (place = value === undefined ? null : { value, words: wordsOf(value) }))
  }
  return place
}
