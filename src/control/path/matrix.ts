/**
 * Who may reach whom in a vpc, on which ports. Vnics that no rule, route or network tells apart are one class, so that
 * a thousand of them are a few questions.
 */
import { ipFrom } from '#wire/ip-address.ts'
import { contains, prefixFrom, type Prefix } from '#wire/prefix.ts'
import { childrenOf, vnicsOf } from '../feed/view.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { ObstacleCode, Thing } from './answer.ts'
import { checkPath } from './check.ts'
import { classNames, type Traits } from './class-names.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'
import { permissions, rulesOf } from './groups.ts'
import { Nameless, type Names } from './names.ts'
import { allTraffic, both, oneOf, trafficOf, trafficText, type Traffic } from './traffic.ts'

/** Classes that are compared; of more, those with the most vnics. Each pair is a path, about 0.05 ms of the API. */
const mostClasses = 40
const mostExamples = 5
const vnicsPerStep = 20

/** Vnics that can reach, and be reached by, the same ones. */
export interface VnicClass {
  readonly id: number
  /** `subnet web, in group web`; what tells it from another one with the same words comes after. */
  readonly name: string
  readonly subnet: Thing | null
  readonly groups: readonly (Thing | null)[]
  readonly plugged: boolean
  readonly vnics: number
  readonly examples: readonly (Thing | null)[]
}

export interface Cell {
  readonly from: number
  readonly to: number
  readonly verdict: 'reachable' | 'blocked'
  /** `tcp 22,80-90; icmp`, or `all`; empty when nothing passes. */
  readonly allowed: string
  /** What stands in the way, when nothing passes. */
  readonly code: ObstacleCode | null
}

export interface PathMatrix {
  readonly vpc: Thing | null
  readonly classes: readonly VnicClass[]
  /** No cell for a class of one vnic with itself. */
  readonly cells: readonly Cell[]
  /** There are more classes. */
  readonly truncated: boolean
}

interface Members {
  readonly key: string
  readonly traits: Traits
  readonly vnics: ObjectRecord[]
}

/** The matrix of a vpc, of the vnics that the asker may know, in steps of less than a millisecond. */
export function* matrixSteps(cloud: Cloud, names: Names, vpc: ObjectRecord): Generator<void, PathMatrix> {
  const all = yield* classesOf(cloud, names, vpc)
  const shown = all.slice(0, mostClasses)
  const nameless = new Nameless(names.viewer)
  const cells: Cell[] = []
  for (const [i, from] of shown.entries())
    for (const [j, to] of shown.entries()) {
      const cell = cellOf(cloud, nameless, { from, to, i, j })
      if (cell !== undefined) cells.push(cell)
      yield
    }
  const words = classNames(
    cloud,
    names,
    shown.map(({ vnics, traits }) => ({ vnic: vnics[0]!, traits })),
  )
  const classes = shown.map(({ vnics }, id) => describe(cloud, names, vnics, { id, name: words[id]! }))
  return { vpc: names.thing(vpc), classes, cells, truncated: all.length > shown.length }
}

/** Vnics in classes, the largest first. */
function* classesOf(cloud: Cloud, names: Names, vpc: ObjectRecord): Generator<void, Members[]> {
  const all = vnicsOf(cloud.view, vpc.id)
  const marks = networksThatMatter(cloud, names, vpc, all)
  const classes = new Map<string, Members>()
  for (const [n, vnic] of all.entries()) {
    if (n % vnicsPerStep === 0) yield
    if (!names.mayRead(vnic)) continue
    const { subnet, groups, addresses } = vnicSpec(vnic)
    const host = vnic.binding === undefined ? undefined : cloud.get('host', vnic.binding.host)
    const hasUnderlay = ((host?.spec.underlay ?? []) as object[]).length > 0
    const where = host === undefined ? 'nowhere' : [host.spec.facility, host.spec.az, hasUnderlay].join()
    const ips = addresses.map(ipFrom)
    const inside = marks.filter(({ prefix }) => ips.some((ip) => contains(prefix, ip)))
    const isPublic = addresses.some((address) => cloud.floatOf(vpc.id, address) !== undefined)
    const key = [
      subnet,
      [...groups].sort().join(),
      where,
      isPublic,
      addresses.map(familyOf).join(),
      inside.map(({ text }) => text).join(),
    ].join('|')
    const networks = inside.filter(({ isKnown }) => isKnown).map(({ text }) => text)
    const members = classes.get(key) ?? { key, traits: { host, hasUnderlay, isPublic, networks }, vnics: [] }
    members.vnics.push(vnic)
    classes.set(key, members)
  }
  return [...classes.values()].sort((a, b) => b.vnics.length - a.vnics.length || (a.key < b.key ? -1 : 1))
}

/** A network as its rule or route has it. */
interface Mark {
  readonly text: string
  readonly prefix: Prefix
  /** The asker may read a rule, list or route that has it. */
  readonly isKnown: boolean
}

/** Networks by which rules and routes of the vpc tell addresses apart. */
function networksThatMatter(cloud: Cloud, names: Names, vpc: ObjectRecord, vnics: readonly ObjectRecord[]): Mark[] {
  const known = new Map<string, boolean>()
  const note = (isReadable: boolean, networks: readonly string[]): void => {
    for (const text of networks) known.set(text, isReadable || known.get(text) === true)
  }
  for (const id of new Set(vnics.flatMap((vnic) => vnicSpec(vnic).groups))) {
    const group = cloud.get('group', id)
    if (group === undefined) continue
    const isReadable = names.mayRead(group)
    for (const { cidr, prefixList } of rulesOf(group).flatMap(({ peers }) => peers)) {
      const list = prefixList === undefined ? undefined : cloud.get('prefix-list', prefixList)
      if (cidr !== undefined) note(isReadable, [cidr])
      if (list !== undefined) note(isReadable && names.mayRead(list), list.spec.entries as string[])
    }
  }
  for (const table of childrenOf(cloud.view, 'route-table', 'vpc', vpc.id)) {
    const routes = table.spec.routes as { destination: string }[]
    note(
      names.mayRead(table),
      routes.map(({ destination }) => destination),
    )
  }
  return [...known]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([text, isKnown]) => ({
      text,
      isKnown,
      prefix: prefixFrom(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`),
    }))
}

type Numbered = Pick<VnicClass, 'id' | 'name'>

function describe(cloud: Cloud, names: Names, vnics: readonly ObjectRecord[], { id, name }: Numbered): VnicClass {
  const [first] = vnics
  const { subnet, groups } = vnicSpec(first!)
  return {
    id,
    name,
    subnet: names.thing(cloud.must('subnet', subnet)),
    groups: groups.map((group) => names.thing(cloud.must('group', group))),
    plugged: first!.binding !== undefined,
    vnics: vnics.length,
    examples: vnics.slice(0, mostExamples).map((vnic) => names.thing(vnic)),
  }
}

interface Pair {
  readonly from: Members
  readonly to: Members
  readonly i: number
  readonly j: number
}

function cellOf(cloud: Cloud, names: Names, { from, to, i, j }: Pair): Cell | undefined {
  const [a, b] = [from.vnics[0]!, i === j ? to.vnics[1] : to.vnics[0]]
  if (b === undefined) return undefined
  const ends = endsOf(a, b)
  const blocked = (code: ObstacleCode): Cell => ({ from: i, to: j, verdict: 'blocked', allowed: '', code })
  if (ends === undefined) return blocked('no-address')
  const [source, destination] = ends
  const family = familyOf(source)
  const out = trafficTo(cloud, a, 'out', destination, family)
  const allowed = both(out, trafficTo(cloud, b, 'in', source, family))
  const packet = { family, source, destination, ...(oneOf(allowed) ?? { protocol: 'icmp' as const, port: null }) }
  const { verdict, trail } = checkPath(cloud, names, { from: a, to: b, packet })
  if (verdict === 'blocked') return blocked(trail.stopped!.code)
  // A guest that forwards may do anything with it; it is reachable as far as anybody knows.
  return { from: i, to: j, verdict: 'reachable', allowed: trafficText(allowed), code: null }
}

/** What the groups of a vnic allow with a peer. */
function trafficTo(cloud: Cloud, vnic: ObjectRecord, direction: 'in' | 'out', peer: string, family: 4 | 6): Traffic {
  const { isOpen, matching } = permissions(cloud, vnic, direction, peer)
  return isOpen
    ? allTraffic
    : trafficOf(
        matching.map(({ rule }) => rule),
        family,
      )
}

/** An address of each, of one family. */
function endsOf(a: ObjectRecord, b: ObjectRecord): readonly [string, string] | undefined {
  for (const family of [4, 6] as const) {
    const [source, destination] = [a, b].map((vnic) => vnicSpec(vnic).addresses.find((each) => familyOf(each) === family))
    if (source !== undefined && destination !== undefined) return [source, destination]
  }
  return undefined
}
