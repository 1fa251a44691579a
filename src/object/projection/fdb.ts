/** Table `fdb`: where a MAC of a segment is. A unit of this host wins over a mux's entry, which comes back when the unit goes. */
import { cStruct, pad, u32, type Value } from '#abi/c-struct.ts'
import { dst, type Dst } from '#datapath/layout.ts'
import type { Vtep } from '../entry-store.ts'
import { macField } from '../keys.ts'
import type { Model, Mux } from '../model.ts'
import { toUnit, toVtep } from './destination.ts'
import type { Dirty } from '../dirty.ts'
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
      const here = port && toUnit(model, port)
      if (here !== undefined) return here
      if (!remote.has(segment)) remote.set(segment, remoteOf(muxes, segment))
      return remote.get(segment)!(mac)
    }
  },
}

/** What the table must say of MACs by segment, encoded at once: the same as `expected` gives, written out for 100 000 of them. */
export function encodeFdb(model: Model, { groups }: Dirty['fdb']): Encoded {
  const muxes = muxPlaces(model)
  const room = [...groups.values()].reduce((sum, macs) => sum + macs.size, 0)
  const found = {
    keys: new Uint8Array(room * fdbPlace.size),
    values: new Uint8Array(room * dst.size),
    gone: new Uint8Array(room * fdbPlace.size),
  }
  const [keyView, goneView] = [new DataView(found.keys.buffer), new DataView(found.gone.buffer)]
  const bytesOf = new Map<Dst, Uint8Array>()
  let [wanted, gone] = [0, 0]
  for (const [segment, macs] of groups) {
    const here = model.members.get(segment)
    const remote = remoteOf(muxes, segment)
    for (const mac of macs) {
      const port = here?.get(mac)
      const value = (port && toUnit(model, port)) ?? remote(mac)
      if (value === undefined) {
        writePlace(goneView, gone++ * fdbPlace.size, segment, mac)
        continue
      }
      let bytes = bytesOf.get(value)
      if (bytes === undefined) bytesOf.set(value, (bytes = dst.encode(value)))
      found.values.set(bytes, wanted * dst.size)
      writePlace(keyView, wanted++ * fdbPlace.size, segment, mac)
    }
  }
  const { keys, values } = found
  return {
    keys: keys.subarray(0, wanted * fdbPlace.size),
    values: values.subarray(0, wanted * dst.size),
    gone: found.gone.subarray(0, gone * fdbPlace.size),
  }
}

function writePlace(view: DataView, at: number, segment: number, mac: number): void {
  view.setUint32(at + fdbPlace.offsets.segment, segment, true)
  macField.write(view, at + fdbPlace.offsets.mac, mac)
}

/** A mux, and the places that its VTEPs are. There are many MACs behind one VTEP, so each place is made once. */
interface MuxPlaces {
  readonly mux: Mux
  readonly places: Map<Vtep, Dst | undefined>
}

const muxPlaces = (model: Model): MuxPlaces[] => [...model.ofType('vpcmux')].map((mux) => ({ mux, places: new Map() }))

/** Where muxes say that a MAC of a segment is. */
function remoteOf(muxes: readonly MuxPlaces[], segment: number): (mac: number) => Dst | undefined {
  const found = muxes.flatMap(({ mux, places }) => {
    const macs = mux.entries.vnis.get(segment)?.macs
    return macs === undefined ? [] : [{ mux, places, macs }]
  })
  return (mac) => {
    for (const { mux, places, macs } of found) {
      const vtep = macs.get(mac)
      if (vtep === undefined) continue
      const place = places.get(vtep)
      if (place !== undefined || places.has(vtep)) return place
      const made = toVtep(mux, vtep)
      places.set(vtep, made)
      return made
    }
    return undefined
  }
}
