/** Stations of other hosts: a forwarding entry and neighbours each. */
import type { Id } from '#abi/id.ts'
import type { StationItem } from '#feed/item.ts'
import type { Draft, Plain, Problem } from './draft.ts'
import { muxId, switchId } from './ids.ts'
import type { Items } from './items.ts'
import { thisHost, vtepText } from './underlay.ts'

/** An entry of a mux or a neighbour of a switch. */
export interface Line {
  readonly list: 'entries' | 'neighbours'
  /** The mux or the switch. */
  readonly parent: string
  readonly line: Plain
  /** What it says, to be compared. */
  readonly text: string
}

/** Lines that vpcd shall have from now on, and lines that shall go. */
export interface LineChanges {
  readonly set: readonly Line[]
  readonly remove: readonly Line[]
  /** Whether a station has the line with a key. */
  wants(key: string): boolean
}

/** A MAC has one VTEP; of MAC zero each VTEP is an entry of its own. */
export const lineKey = ({ list, parent, line: { vni, mac, vtep, address } }: Line): string =>
  `${parent} ${vni} ${list === 'neighbours' ? address : mac === '00:00:00:00:00:00' ? vtep : mac}`

/** Give a line the text that it is compared by. */
export const lineOf = (list: Line['list'], parent: string, line: Plain): Line => ({
  list,
  parent,
  line,
  text: list === 'neighbours' ? String(line['mac']) : `${line['vtep']} ${line['forward'] ?? false}`,
})

/** Where each host listens, as entries have it. */
export function vtepsOf(items: Items): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const host = thisHost(items)
  for (const { id, underlay } of items.of('vtep')) {
    const text = underlay[0] === undefined ? undefined : vtepText(underlay[0], host)
    if (text !== undefined) found.set(id, text)
  }
  return found
}

/** What the lines of all stations depend on. */
export interface StationContext {
  /** The mux of this host; undefined: the feed has not told the host. */
  readonly mux: string | undefined
  readonly vteps: ReadonlyMap<string, string>
  readonly vnis: ReadonlyMap<string, number>
  /** Muxes and switches that the document has. */
  has(parent: string): boolean
}

/** What the items and the document say about it. */
export function stationContext(items: Items, has: StationContext['has']): StationContext {
  const host = thisHost(items)
  const vnis = new Map([...items.of('subnet')].map(({ id, vni }) => [id, vni]))
  return { mux: host && muxId(host.id), vteps: vtepsOf(items), vnis, has }
}

/** The lines of a station, or what stands against them. */
export function linesOf(station: StationItem, { mux, vteps, vnis, has }: StationContext): readonly Line[] | Problem {
  const { mac, forward, addresses } = station
  const [vni, vtep] = [vnis.get(station.subnet), vteps.get(station.host)]
  if (vni === undefined || vtep === undefined) {
    const missing = vni === undefined ? `subnet ${station.subnet}` : `host ${station.host}`
    return { item: station, code: 'failed', text: `cannot send to vnic ${station.id}: the feed has not told its ${missing}` }
  }
  const sw = switchId(station.vpc)
  return [
    ...(mux !== undefined && has(mux) ? [lineOf('entries', mux, { vni, mac, vtep, ...(forward ? { forward } : {}) })] : []),
    ...(has(sw) ? addresses.map((address) => lineOf('neighbours', sw, { vni, address, mac })) : []),
  ]
}

export function addStations(draft: Draft, items: Items): void {
  const context = stationContext(items, (parent) => draft.object(parent as Id) !== undefined)
  for (const station of items.of('station')) {
    const found = linesOf(station, context)
    if ('code' in found) draft.refuse(found.item, found.code, found.text)
    else for (const { list, parent, line } of found) draft.addTo(parent as Id, list, station, line)
  }
}
