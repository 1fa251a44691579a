/**
 * What a document says about the objects of a host: which of them count, where they are, and their entries and
 * neighbours.
 */
import type { EntrySpec, NeighbourSpec, ObjectSpec } from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import type { EntryStore, Vtep } from '../store/entry-store.ts'
import { addressOfKey, macOfNumber } from '../store/keys.ts'
import { persists, type Model, type VpcObject } from '../store/model.ts'
import type { NeighbourStore } from '../store/neighbour-store.ts'

/** The objects of a document by id. */
export type Wanted = ReadonlyMap<Id, ObjectSpec>

/**
 * Whether an object counts: it outlives vpcd, or the document names it or its switch. Other objects, which their
 * holders have not committed, are not part of the document and stay as they are.
 */
export const counts = (object: VpcObject, wanted: Wanted): boolean =>
  persists(object) || wanted.has(object.id) || (object.type === 'vpcp' && object.switch !== null && wanted.has(object.switch.id))

/** All that count. */
export function* counting(model: Model, wanted: Wanted): Generator<VpcObject> {
  for (const object of model.objects.values()) if (counts(object, wanted)) yield object
}

/** Places of an object by the document's words: ids of others, and whether it is an uplink. */
export type Places = Readonly<Record<string, Id | boolean | null>>

/** Where an object is. */
export function placesOf(object: VpcObject, wanted: Wanted): Places {
  const idOf = (other: VpcObject | null): Id | null => (other !== null && counts(other, wanted) ? other.id : null)
  if (object.type === 'vpcmux') return { underlay: idOf(object.underlay) }
  if (object.type === 'subnet') return { switch: idOf(object.switch), router: idOf(object.router) }
  if (object.type !== 'vpcp') return {}
  const member = idOf(object.switch)
  return { switch: member, uplink: member !== null && object.switch?.uplink === object, interface: idOf(object.peer) }
}

/** Where a document has an object. */
export function placesIn(spec: ObjectSpec): Places {
  if (spec.type === 'vpcmux') return { underlay: spec.underlay }
  if (spec.type === 'subnet') return { switch: spec.switch, router: spec.router }
  return spec.type === 'vpcp' ? { switch: spec.switch, uplink: spec.uplink, interface: spec.interface } : {}
}

/** As documents have it: with its UDP port if that is not the mux's own. */
export const vtepText = (vtep: Vtep): string => (vtep.port === 0 ? formatIp(vtep.address) : formatEndpoint(vtep))

/** The forwarding entries of a mux, in no order. */
export function* entrySpecs(store: EntryStore): Generator<EntrySpec> {
  const texts = new Map<object, string>()
  for (const { vni, mac, vtep } of store) {
    let text = texts.get(vtep)
    if (text === undefined) texts.set(vtep, (text = vtepText(vtep)))
    yield { vni, mac: formatMac(macOfNumber(mac)), vtep: text, forward: vtep.forward }
  }
}

/** The neighbours of a switch, in no order. */
export function* neighbourSpecs(store: NeighbourStore): Generator<NeighbourSpec> {
  for (const [vni, known] of store.vnis) {
    for (const [key, mac] of known) yield { vni, address: formatIp(fromMapped(addressOfKey(key))), mac: formatMac(macOfNumber(mac)) }
  }
}
