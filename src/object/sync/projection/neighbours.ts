/**
 * Table `neighbours`: the MAC of an address of a segment. What an operator or an agent says wins; otherwise a unit of
 * this host has the addresses of its port, unless another port lists the same.
 */
import { cStruct, u32, type Value } from '#abi/c-struct.ts'
import { neighbour, type Neighbour } from '#datapath/layout.ts'
import { addressField, addressKey, macOfNumber, segmentOf, vniOfSegment } from '../../store/keys.ts'
import type { Mac } from '#wire/mac.ts'
import type { Model, Port, Switch } from '../../store/model.ts'
import type { Projection } from './projection.ts'

/** struct vpc_neighbour_key, its address as a key. */
export const neighbourPlace = cStruct({ segment: u32, address: addressField })
export type NeighbourPlace = Value<typeof neighbourPlace>

export const neighbours: Projection<NeighbourPlace, Neighbour> = {
  *keys(model: Model) {
    // Each key once: an audit takes what it has found for one key.
    for (const sw of model.ofType('vpcsw')) {
      const { vnis } = sw.neighbours
      for (const [vni, known] of vnis) for (const address of known.keys()) yield { segment: segmentOf(sw, vni), address }
      const seen = new Set<string>()
      for (const { vni, address } of addressesOf(sw)) {
        const key = `${vni} ${address}`
        if (seen.has(key) || vnis.get(vni)?.has(address)) continue
        seen.add(key)
        yield { segment: segmentOf(sw, vni), address }
      }
    }
  },
  keyField: neighbourPlace,
  valueField: neighbour,
  values(model) {
    const units = new Map<Switch, ReadonlyMap<string, Mac | undefined>>()
    return ({ segment, address }) => {
      const sw = model.segments.get(segment)
      if (sw === undefined) return undefined
      const vni = vniOfSegment(segment)
      const said = sw.neighbours.vnis.get(vni)?.get(address)
      if (said !== undefined) return { mac: macOfNumber(said) }
      const mac = units.getOrInsertComputed(sw, unitsOf).get(`${vni} ${address}`)
      return mac && { mac }
    }
  },
}

/** Whether a port has a unit with a MAC of its own: behind an uplink there are many. */
const hasStation = ({ peer }: Port): boolean => peer !== null && peer.type !== 'ethlink'

/** Addresses that ports of units list, as keys. */
function* addressesOf({ ports }: Switch): Iterable<{ readonly vni: number; readonly address: NeighbourPlace['address'] }> {
  for (const port of ports)
    if (hasStation(port)) for (const address of port.addresses) yield { vni: port.vni, address: addressKey(address) }
}

/** MACs of units, by VNI and address; undefined for an address of several ports. */
function unitsOf({ ports }: Switch): ReadonlyMap<string, Mac | undefined> {
  const found = new Map<string, Mac | undefined>()
  for (const port of ports) {
    if (!hasStation(port)) continue
    for (const address of port.addresses) {
      const key = `${port.vni} ${addressKey(address)}`
      found.set(key, found.has(key) ? undefined : port.peer!.mac)
    }
  }
  return found
}
