/**
 * A host's objects as a document: `vpc export` writes it and `vpc apply` reads it, as JSON or as YAML of the same
 * shape. Values with their default are left out; objects are named by unit or id.
 */
import type { Id } from './id.ts'
import type { UnitType } from './object-type.ts'
import type { Settings } from './settings.ts'

/** What the document may say about objects of every type. */
interface Common<T extends UnitType> {
  readonly type: T
  /** Where in the document: `switches[0].ports[1]`. */
  readonly path: string
  readonly id: Id
  /** Number in the object's unit name; null: any. */
  readonly unit: number | null
  readonly mac: string
}

export type EthlinkSpec = Common<'ethlink'> & Settings<'ethlink'>
export type VmnicSpec = Common<'vmnic'> & Settings<'vmnic'>
export type HostifSpec = Common<'hostif'> & Settings<'hostif'>

export interface EntrySpec {
  readonly vni: number
  readonly mac: string
  readonly vtep: string
  /** Frames from the underlay are forwarded to the VTEP, each once. */
  readonly forward: boolean
}

export interface MuxSpec extends Common<'vpcmux'>, Readonly<Settings<'vpcmux'>> {
  readonly underlay: Id | null
  readonly entries: readonly EntrySpec[]
  /** Of a partial document: entries that shall go. */
  readonly removeEntries: readonly EntrySpec[]
}

export interface NeighbourSpec {
  readonly vni: number
  readonly address: string
  readonly mac: string
}

export interface SwitchSpec extends Common<'vpcsw'>, Readonly<Settings<'vpcsw'>> {
  readonly ports: readonly PortSpec[]
  readonly neighbours: readonly NeighbourSpec[]
  /** Of a partial document: neighbours that shall go. */
  readonly removeNeighbours: readonly NeighbourSpec[]
}

export interface PortSpec extends Common<'vpcp'>, Readonly<Settings<'vpcp'>> {
  /** The switch that it is in; null for one of the document's own `ports`. */
  readonly switch: Id | null
  readonly uplink: boolean
  readonly interface: Id | null
}

export interface SubnetSpec extends Common<'subnet'>, Readonly<Settings<'subnet'>> {
  readonly switch: Id | null
  readonly router: Id | null
}

export type RouterSpec = Common<'vpcrtr'> & Readonly<Settings<'vpcrtr'>>

export type NatSpec = Common<'vpcnat'> & Readonly<Settings<'vpcnat'>>

export type AddressSetSpec = Common<'set'> & Readonly<Settings<'set'>>
export type GroupSpec = Common<'group'> & Readonly<Settings<'group'>>

export type ObjectSpec =
  | EthlinkSpec
  | MuxSpec
  | VmnicSpec
  | HostifSpec
  | SwitchSpec
  | PortSpec
  | SubnetSpec
  | RouterSpec
  | NatSpec
  | AddressSetSpec
  | GroupSpec

/** The document, read: every default filled in, every reference an id. */
export interface HostFile {
  /** The document has the objects of this owner, and says nothing about others; null: it has all of the host. */
  readonly owner: string | null
  /** The document has what differs from now on; all else stays as it is. Such a document has an owner. */
  readonly partial: boolean
  /** Objects that a whole document lacks shall go. Otherwise vpcd refuses the document when there are any. */
  readonly prune: boolean
  /** Of a partial document: objects that shall go, whether they are there or not. */
  readonly remove: readonly Id[]
  readonly ethlinks: readonly EthlinkSpec[]
  readonly muxes: readonly MuxSpec[]
  readonly vmnics: readonly VmnicSpec[]
  readonly hostifs: readonly HostifSpec[]
  readonly switches: readonly SwitchSpec[]
  readonly sets: readonly AddressSetSpec[]
  readonly groups: readonly GroupSpec[]
  /** Ports that are in no switch. */
  readonly ports: readonly PortSpec[]
  readonly routers: readonly RouterSpec[]
  readonly subnets: readonly SubnetSpec[]
  readonly nats: readonly NatSpec[]
}

/** A document as JSON, not read yet. */
export type HostDocument = Readonly<Record<string, unknown>>

export const hostFileVersion = 1

/** All objects of a document, those in switches included. */
export function* specsOf(file: HostFile): Generator<ObjectSpec> {
  yield* file.ethlinks
  yield* file.muxes
  yield* file.vmnics
  yield* file.hostifs
  for (const sw of file.switches) {
    yield sw
    yield* sw.ports
  }
  yield* file.sets
  yield* file.groups
  yield* file.ports
  yield* file.routers
  yield* file.subnets
  yield* file.nats
}

/** One difference between the host and a document. */
export interface HostChange {
  readonly action: 'create' | 'change' | 'remove'
  readonly type: UnitType
  readonly id: Id
  /** The unit name; null for a missing object without a given number. */
  readonly unit: string | null
  readonly settings: readonly { readonly key: string; readonly is: string; readonly asked: string }[]
}

/** What is wrong with a document, and where. */
export interface HostFileProblem {
  /** `switches[0].ports[1].vni`; empty for the document as a whole. */
  readonly path: string
  readonly problem: string
}

/** How vpcd's messages about a document begin: with the place in it. */
export const atPath = (path: string, problem: string): string => (path === '' ? problem : `at ${path}: ${problem}`)

/** The reverse of `atPath`. */
export function splitPath(message: string): HostFileProblem {
  const [, path = '', problem = message] = /^at ([\w.[\]-]+): (.*)$/s.exec(message) ?? []
  return { path, problem }
}
