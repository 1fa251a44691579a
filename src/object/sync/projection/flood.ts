/**
 * Table `flood`: where broadcast and multicast of a segment go, in pages: units of this host and the uplink, and one
 * page of VTEPs.
 */
import {
  floodPage,
  floodPages,
  floodRemote,
  flood as floodLayout,
  floodKey,
  type Dst,
  type Flood,
  type FloodKey,
} from '#datapath/layout.ts'
import type { Vtep } from '../../store/entry-store.ts'
import type { Model } from '../../store/model.ts'
import { toUnit, toUplink, toVtep } from './destination.ts'
import type { Projection } from './projection.ts'

/** Units and uplink that one segment can have on a host. */
export const maxSegmentPorts = floodPage * floodPages

export const flood: Projection<FloodKey, Flood> = {
  *keys(model: Model) {
    for (const segment of segments(model)) for (const page of pagesOf(model, segment).keys()) yield { segment, page }
  },
  keyField: floodKey,
  valueField: floodLayout,
  values(model) {
    let last: { readonly segment: number; readonly pages: Map<number, Flood> } | undefined
    return ({ segment, page }) => {
      if (last?.segment !== segment) last = { segment, pages: pagesOf(model, segment) }
      return last.pages.get(page)
    }
  },
}

/** All pages of a segment, the last first: a page that says 'another follows' is then written after the other one. */
export function pagesOf(model: Model, segment: number): Map<number, Flood> {
  const pages = new Map<number, Flood>()
  const remote = remotes(model, segment).slice(0, floodPage)
  if (remote.length > 0) pages.set(floodRemote, { count: remote.length, more: 0, dst: remote })
  const here = locals(model, segment)
  for (let page = Math.ceil(here.length / floodPage) - 1; page >= 0; page--) {
    const dst = here.slice(page * floodPage, (page + 1) * floodPage)
    pages.set(page, { count: dst.length, more: here.length > (page + 1) * floodPage ? 1 : 0, dst })
  }
  return pages
}

function locals(model: Model, segment: number): Dst[] {
  // A port is listed once for each MAC behind it.
  const members = [...new Set(model.members.get(segment)?.values())].sort((a, b) => a.unit - b.unit)
  const found = members.flatMap((port) => toUnit(model, port) ?? [])
  const sw = model.segments.get(segment)
  const uplink = sw && toUplink(model, sw, segment)
  return uplink === undefined ? found : [...found, uplink]
}

/** In the order of their addresses, not of the operations: a page must look the same after a restart. */
function remotes(model: Model, segment: number): Dst[] {
  return [...model.ofType('vpcmux')].flatMap((mux) => {
    const list = [...(mux.entries.vnis.get(segment)?.remotes ?? [])]
    return list.sort(compareVteps).flatMap((vtep) => toVtep(mux, vtep) ?? [])
  })
}

const compareVteps = (a: Vtep, b: Vtep): number => Buffer.compare(a.address, b.address) || a.port - b.port

function segments(model: Model): Set<number> {
  const found = new Set(model.segments.keys())
  for (const mux of model.ofType('vpcmux')) for (const [vni, { remotes: list }] of mux.entries.vnis) if (list.size > 0) found.add(vni)
  return found
}
