/** Table `fdb`: where a MAC of a segment is. A unit of this host wins over a mux's entry, which comes back when the unit goes. */
import { dst, fdbKey, type Dst, type FdbKey } from '#datapath/layout.ts'
import { macOfNumber } from '../keys.ts'
import type { Model } from '../model.ts'
import { toUnit, toVtep } from './destination.ts'
import type { Projection } from './projection.ts'

export interface FdbPlace {
  readonly segment: number
  readonly mac: number
}

export const fdb: Projection<FdbPlace, Dst, FdbKey> = {
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
  tableKey: ({ segment, mac }) => ({ segment, mac: macOfNumber(mac) }),
  keyLayout: fdbKey,
  valueLayout: dst,
  value(model, { segment, mac }) {
    const port = model.members.get(segment)?.get(mac)
    return (port && toUnit(model, port)) ?? remote(model, segment, mac)
  },
}

function remote(model: Model, segment: number, mac: number): Dst | undefined {
  for (const mux of model.ofType('vpcmux')) {
    const vtep = mux.entries.vnis.get(segment)?.macs.get(mac)
    if (vtep !== undefined) return toVtep(mux, vtep)
  }
  return undefined
}
