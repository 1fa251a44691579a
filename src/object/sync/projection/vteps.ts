/**
 * Table `vteps`: VTEPs from which packets of a VNI are accepted. The VNI's forwarding entries name them; a VNI without
 * entries has none.
 */
import { cStruct, u32 } from '#abi/c-struct.ts'
import { toMapped } from '#wire/ip-address.ts'
import type { VtepPlace } from '../../store/dirty.ts'
import { addressField, addressKey } from '../../store/keys.ts'
import type { Model, Mux } from '../../store/model.ts'
import { toVtep } from './destination.ts'
import type { Projection } from './projection.ts'

/** struct vpc_vtep_key, its address as a key. */
export const vtepPlace = cStruct({ stats: u32, segment: u32, address: addressField })

export const vteps: Projection<VtepPlace, number> = {
  *keys(model: Model) {
    for (const mux of model.ofType('vpcmux')) {
      for (const segment of mux.entries.vnis.keys()) {
        for (const address of sourcesOf(mux, segment)) yield { stats: mux.source, segment, address }
      }
    }
  },
  keyField: vtepPlace,
  valueField: u32,
  values(model) {
    const known = new Map<string, ReadonlySet<string>>()
    return ({ stats, segment, address }) => {
      const mux = model.sources.get(stats)
      if (mux?.type !== 'vpcmux') return undefined
      const name = `${stats} ${segment}`
      let sources = known.get(name)
      if (sources === undefined) known.set(name, (sources = sourcesOf(mux, segment)))
      return sources.has(address) ? 1 : undefined
    }
  },
}

/** The addresses of a VNI's VTEPs: some may have several UDP ports. */
function sourcesOf(mux: Mux, segment: number): Set<string> {
  const uses = mux.entries.vnis.get(segment)?.uses.keys() ?? []
  return new Set([...uses].filter((vtep) => toVtep(mux, vtep) !== undefined).map(({ address }) => addressKey(toMapped(address))))
}
