/** Table `neighbours`: the MAC of an address of a segment. */
import { cStruct, u32, type Value } from '#abi/c-struct.ts'
import { neighbour, type Neighbour } from '#datapath/layout.ts'
import { addressField, macOfNumber, segmentOf, vniOfSegment } from '../../store/keys.ts'
import type { Model } from '../../store/model.ts'
import type { Projection } from './projection.ts'

/** struct vpc_neighbour_key, its address as a key. */
export const neighbourPlace = cStruct({ segment: u32, address: addressField })
export type NeighbourPlace = Value<typeof neighbourPlace>

export const neighbours: Projection<NeighbourPlace, Neighbour> = {
  *keys(model: Model) {
    for (const sw of model.ofType('vpcsw')) {
      for (const [vni, known] of sw.neighbours.vnis) for (const address of known.keys()) yield { segment: segmentOf(sw, vni), address }
    }
  },
  keyField: neighbourPlace,
  valueField: neighbour,
  values:
    (model) =>
    ({ segment, address }) => {
      const mac = model.segments.get(segment)?.neighbours.vnis.get(vniOfSegment(segment))?.get(address)
      return mac === undefined ? undefined : { mac: macOfNumber(mac) }
    },
}
