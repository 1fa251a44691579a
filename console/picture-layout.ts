/** Where things of a vpc stand in its picture: subnets are columns, hosts are rows. Pure functions. */
import type { Resource } from './api.ts'

/** Sizes, in units of the picture. */
export const size = { left: 150, column: 232, box: 200, head: 46, top: 12, gap: 54, square: 11, perLine: 15, lines: 3, row: 16 } as const

export interface Cell {
  readonly subnet: string
  readonly x: number
  readonly y: number
  /** Those that are drawn one by one. */
  readonly shown: readonly Resource[]
  /** All of them. */
  readonly vnics: readonly Resource[]
}

export interface Row {
  /** Id of the host; undefined: plugged in nowhere. */
  readonly host: string | undefined
  readonly y: number
  readonly height: number
  readonly count: number
  readonly cells: readonly Cell[]
}

export interface Box {
  readonly resource: Resource
  readonly x: number
  readonly y: number
}

export interface Edge {
  readonly from: { readonly x: number; readonly y: number }
  readonly to: { readonly x: number; readonly y: number }
  /** Id of the NAT or peering whose packets take it. */
  readonly of?: string
  /** Id of the subnet that it leads to: all that its vnics send and get. */
  readonly subnet?: string
}

export interface Picture {
  readonly width: number
  readonly height: number
  readonly subnets: readonly Box[]
  readonly routers: readonly Box[]
  /** NATs and peerings: the ways out. */
  readonly outside: readonly Box[]
  readonly edges: readonly Edge[]
  readonly rows: readonly Row[]
}

export interface Members {
  readonly subnets: readonly Resource[]
  readonly routers: readonly Resource[]
  readonly tables: readonly Resource[]
  /** NATs and peerings. */
  readonly outside: readonly Resource[]
  readonly vnics: readonly Resource[]
  /** Hosts whose cells show all their vnics. */
  readonly unfolded: ReadonlySet<string>
}

interface Interface {
  readonly subnet: string
}

const centre = ({ x, y }: Box, dy: number): { x: number; y: number } => ({ x: x + size.box / 2, y: y + dy })

/** Boxes in a line, each over the middle of what it belongs to where that is free. */
function lined(resources: readonly Resource[], y: number, wishOf: (resource: Resource) => number): Box[] {
  const wished = resources.map((resource) => ({ resource, x: wishOf(resource) })).sort((a, b) => a.x - b.x)
  let free = size.left
  return wished.map(({ resource, x }) => {
    const at = Math.max(free, x)
    free = at + size.column
    return { resource, x: at, y }
  })
}

const mean = (values: readonly number[], none: number): number =>
  values.length === 0 ? none : values.reduce((sum, value) => sum + value, 0) / values.length

/** Lay a vpc out. */
export function layOut(members: Members): Picture {
  const { subnets, routers, outside } = members
  const hasOutside = outside.length > 0
  const routerY = size.top + (hasOutside ? size.head + size.gap : 0)
  const subnetY = routerY + (routers.length > 0 ? size.head + size.gap : 0)
  const subnetBoxes = subnets.map((resource, i): Box => ({ resource, x: size.left + i * size.column, y: subnetY }))
  const xOf = new Map(subnetBoxes.map(({ resource, x }) => [resource.id, x]))
  const joined = (router: Resource): string[] => (router.interfaces as Interface[]).map(({ subnet }) => subnet).filter((id) => xOf.has(id))
  const routerBoxes = lined(routers, routerY, (router) =>
    mean(
      joined(router).map((id) => xOf.get(id)!),
      size.left,
    ),
  )
  const outsideBoxes = lined(outside, size.top, (way) =>
    mean(
      usersOf(way, members).map((id) => xOf.get(id) ?? size.left),
      size.left,
    ),
  )
  const rows = rowsOf(members, subnetBoxes, subnetY + size.head + 32)
  const last = rows.at(-1)
  return {
    width: 24 + Math.max(...[...subnetBoxes, ...routerBoxes, ...outsideBoxes].map(({ x }) => x + size.column), size.left + size.column),
    height: (last === undefined ? subnetY + size.head : last.y + last.height) + 16,
    subnets: subnetBoxes,
    routers: routerBoxes,
    outside: outsideBoxes,
    edges: [...routerEdges(routerBoxes, subnetBoxes, joined), ...outsideEdges(outsideBoxes, routerBoxes, subnetBoxes, members)],
    rows,
  }
}

/** Subnets whose route table leads to a NAT or a peering. Those of a router that name no table go out by every NAT. */
function usersOf({ id, kind }: Resource, { subnets, tables, routers }: Members): string[] {
  const leads = (table: Resource): boolean => (table.routes as Record<string, unknown>[]).some((route) => route[kind] === id)
  const leading = new Set(tables.filter(leads).map((table) => table.id))
  const joined = new Set(routers.flatMap(({ interfaces }) => (interfaces as Interface[]).map(({ subnet }) => subnet)))
  const leadsOut = (subnet: Resource): boolean =>
    subnet.routeTable ? leading.has(String(subnet.routeTable)) : kind === 'nat' && joined.has(subnet.id)
  return subnets.filter(leadsOut).map((subnet) => subnet.id)
}

function routerEdges(routers: readonly Box[], subnets: readonly Box[], joined: (router: Resource) => string[]): Edge[] {
  return routers.flatMap((router) =>
    joined(router.resource).flatMap((id) => {
      const subnet = subnets.find(({ resource }) => resource.id === id)
      return subnet === undefined ? [] : [{ from: centre(router, size.head), to: centre(subnet, 0), subnet: id }]
    }),
  )
}

/** The way out of a subnet leads over the router that joins it. */
function outsideEdges(ways: readonly Box[], routers: readonly Box[], subnets: readonly Box[], members: Members): Edge[] {
  return ways.flatMap((way) => {
    const users = new Set(usersOf(way.resource, members))
    const over = routers.filter(({ resource }) => (resource.interfaces as Interface[]).some(({ subnet }) => users.has(subnet)))
    const below = over.length > 0 ? over : subnets.filter(({ resource }) => users.has(resource.id))
    return below.map((box): Edge => ({ from: centre(way, size.head), to: centre(box, 0), of: way.resource.id }))
  })
}

const hostOf = ({ binding }: Resource): string | undefined => (binding as { host: string } | null)?.host

function rowsOf({ vnics, unfolded }: Members, subnets: readonly Box[], top: number): Row[] {
  const byHost = Map.groupBy(vnics, hostOf)
  // What is plugged in nowhere comes last.
  const hosts = [...byHost.keys()].sort((a, b) => Number(a === undefined) - Number(b === undefined))
  let y = top
  return hosts.map((host) => {
    const own = byHost.get(host)!
    const bySubnet = Map.groupBy(own, ({ subnet }) => String(subnet))
    const most = unfolded.has(host ?? '') ? Infinity : size.perLine * size.lines
    const cells = subnets.flatMap(({ resource, x }): Cell[] => {
      const all = bySubnet.get(resource.id)
      return all === undefined ? [] : [{ subnet: resource.id, x, y, vnics: all, shown: all.slice(0, most) }]
    })
    const lines = Math.max(1, ...cells.map(({ shown }) => Math.ceil(shown.length / size.perLine)))
    const row = { host, y, height: size.row + lines * (size.square + 2) + 14, count: own.length, cells }
    y += row.height
    return row
  })
}
