/** Table `neighbours`: the MAC of an address of a segment. */
import { neighbour, neighbourKey, type Neighbour, type NeighbourKey } from '#datapath/layout.ts'
import { addressOfKey, macOfNumber, segmentOf, vniOfSegment } from '../keys.ts'
import type { Model } from '../model.ts'
import type { Projection } from './projection.ts'

export interface NeighbourPlace {
  readonly segment: number
  readonly address: string
}

export const neighbours: Projection<NeighbourPlace, Neighbour, NeighbourKey> = {
  *keys(model: Model) {
    for (const sw of model.ofType('vpcsw')) {
      for (const [vni, known] of sw.neighbours.vnis) for (const address of known.keys()) yield { segment: segmentOf(sw, vni), address }
    }
  },
  tableKey: ({ segment, address }) => ({ segment, addr: addressOfKey(address) }),
  keyLayout: neighbourKey,
  valueLayout: neighbour,
  value(model, { segment, address }) {
    const mac = model.segments.get(segment)?.neighbours.vnis.get(vniOfSegment(segment))?.get(address)
    return mac === undefined ? undefined : { mac: macOfNumber(mac) }
  },
}
