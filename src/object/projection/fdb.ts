/** Table `fdb`: where a MAC of a segment is. A unit of this host wins over a mux's entry, which comes back when the unit goes. */
import { cStruct, pad, u32, type Value } from '#abi/c-struct.ts'
import { dst, type Dst } from '#datapath/layout.ts'
import type { Vtep } from '../entry-store.ts'
import { macField } from '../keys.ts'
import type { Model } from '../model.ts'
import { toUnit, toVtep } from './destination.ts'
import type { Projection } from './projection.ts'

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
    const remote = remotes(model)
    return ({ segment, mac }) => {
      const port = model.members.get(segment)?.get(mac)
      return (port && toUnit(model, port)) ?? remote(segment, mac)
    }
  },
}

/** Where muxes say that a MAC is. There are many MACs behind one VTEP, so each place is made once. */
function remotes(model: Model): (segment: number, mac: number) => Dst | undefined {
  const muxes = [...model.ofType('vpcmux')].map((mux) => ({ mux, vnis: mux.entries.vnis, places: new Map<Vtep, Dst | undefined>() }))
  return (segment, mac) => {
    for (const { mux, vnis, places } of muxes) {
      const vtep = vnis.get(segment)?.macs.get(mac)
      if (vtep === undefined) continue
      if (!places.has(vtep)) places.set(vtep, toVtep(mux, vtep))
      return places.get(vtep)
    }
    return undefined
  }
}
