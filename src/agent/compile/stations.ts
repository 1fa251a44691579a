/** Stations of other hosts: a forwarding entry and neighbours each. */
import type { Id } from '#abi/id.ts'
import type { StationItem } from '#feed/item.ts'
import type { Draft, HostFacts, Plain, Problem } from './draft.ts'
import { muxId, switchId } from './ids.ts'
import type { Items } from './items.ts'
import { thisHost, vtepsOf, type Vteps } from './underlay.ts'

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

/** What the lines of all stations depend on. */
export interface StationContext {
  /** The mux of this host; undefined: the API has not sent the host. */
  readonly mux: string | undefined
  readonly vteps: Vteps
  readonly vnis: ReadonlyMap<string, number>
  /** Subnets whose packets do not go to other facilities. */
  readonly apart: ReadonlySet<string>
  /** Muxes and switches that the document has. */
  has(parent: string): boolean
}

/** What the items and the document say about it. */
export function stationContext(items: Items, facts: HostFacts, has: StationContext['has']): StationContext {
  const host = thisHost(items)
  const subnets = [...items.of('subnet')]
  const vnis = new Map(subnets.map(({ id, vni }) => [id, vni]))
  const apart = new Set(subnets.filter((subnet) => subnet.apart === true).map(({ id }) => id))
  return { mux: host && muxId(host.id), vteps: vtepsOf(items, facts), vnis, apart, has }
}

/** All that the lines of stations depend on, to be compared. */
export const contextText = ({ vteps: { at, far, closed }, vnis, apart }: StationContext): string =>
  JSON.stringify([[...at], [...far], [...closed], [...vnis], [...apart]])

/** Why frames for a station cannot go to its host; undefined: they can. */
function objection({ id, subnet, host }: StationItem, { vteps, vnis, apart }: StationContext): Pick<Problem, 'code' | 'text'> | undefined {
  const because = (text: string): Pick<Problem, 'code' | 'text'> => ({ code: 'failed', text: `cannot send to vnic ${id}: ${text}` })
  if (!vnis.has(subnet)) return because(`the API has not sent its subnet ${subnet}`)
  const closed = vteps.closed.get(host)
  if (closed !== undefined) return { ...closed, text: `cannot send to vnic ${id}: ${closed.text}` }
  if (!vteps.at.has(host)) return because(`the API has not sent its host ${host}`)
  return apart.has(subnet) && vteps.far.has(host) ? because(`subnet ${subnet} has not one VNI alone in both facilities`) : undefined
}

/** The lines of a station, or what stands against them. */
export function linesOf(station: StationItem, context: StationContext): readonly Line[] | Problem {
  const { mux, vteps, vnis, has } = context
  const { mac, forward, addresses } = station
  const problem = objection(station, context)
  if (problem !== undefined) return { item: station, ...problem }
  const [vni, vtep] = [vnis.get(station.subnet), vteps.at.get(station.host)]
  const sw = switchId(station.vpc)
  return [
    ...(mux !== undefined && has(mux) ? [lineOf('entries', mux, { vni, mac, vtep, ...(forward ? { forward } : {}) })] : []),
    ...(has(sw) ? addresses.map((address) => lineOf('neighbours', sw, { vni, address, mac })) : []),
  ]
}

export function addStations(draft: Draft, items: Items, facts: HostFacts): void {
  const context = stationContext(items, facts, (parent) => draft.object(parent as Id) !== undefined)
  for (const station of items.of('station')) {
    const found = linesOf(station, context)
    if ('code' in found) draft.refuse(found.item, found.code, found.text)
    else for (const { list, parent, line } of found) draft.addTo(parent as Id, list, station, line)
  }
}
