/**
 * The objects of a host and their connections: plain data. Changes go through a Transaction, which can undo them.
 * src/object/sync/projection derives the contents of the datapath's tables. src/abi/settings.ts declares what an
 * operator can set.
 */
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Settings } from '#abi/settings.ts'
import type { Mac } from '#wire/mac.ts'
import type { Objections } from '#datapath/host-rules/host-rules.ts'
import type { EntryStore, Vtep } from './entry-store.ts'
import type { NeighbourStore } from './neighbour-store.ts'
import { Numbered } from './numbered.ts'
import { RuleNames } from './rule-names.ts'

interface Common<T extends UnitType> {
  readonly type: T
  readonly id: Id
  /** The number in the unit name: the lowest free one of the type when the object was made. */
  readonly unit: number
  mac: Mac
  /** It outlives its descriptors and vpcd. */
  committed: boolean
  /** Open handles. */
  descriptors: number
  /** Destroyed, or without holders: remaining handles answer ESTALE. */
  dead: boolean
}

/** The device on which a sniffer watches a switch or an ethlink. */
export interface Mirror {
  /** 0: it is not there. */
  readonly ifindex: number
  /** Somebody has it promiscuous, and the programs copy frames to it. */
  readonly watched: boolean
}

export interface Switch extends Common<'vpcsw'>, Settings<'vpcsw'> {
  uplink: Port | null
  readonly ports: Set<Port>
  /** How many of its ports are on each VNI; updated as they move. */
  readonly portVnis: Map<number, number>
  readonly neighbours: NeighbourStore
  readonly subnets: Set<Subnet>
  /** Segments that are this switch's, as Model.segments has them. */
  readonly segments: Set<number>
  mirror: Mirror
}

export interface Port extends Common<'vpcp'>, Settings<'vpcp'> {
  switch: Switch | null
  peer: Interface | null
  /** Who it is in the datapath: its index in tables stats, drops and port_addresses, and the source of events. */
  readonly source: number
}

interface Connectable {
  port: Port | null
  /** Of the device that carries the program. 0: there is none, now or yet. */
  ifindex: number
}

export interface Vmnic extends Common<'vmnic'>, Settings<'vmnic'>, Connectable {}

export interface Hostif extends Common<'hostif'>, Settings<'hostif'>, Connectable {
  /** The unit was moved into another network namespace. */
  inOtherNetns: boolean
  /**
   * Its user has an XDP program in the driver of the unit. Packets that bypass the unit's queue would bypass the
   * program.
   */
  runsXdp: boolean
}

export interface Ethlink extends Common<'ethlink'>, Settings<'ethlink'>, Connectable {
  /** What the ethlink does to the interface now. */
  serving: { readonly uplink: boolean; readonly underlay: boolean; readonly wire: boolean }
  /** Somebody else had set the interface promiscuous before us. */
  promiscBefore: boolean
  /** The mux whose underlay it is. */
  mux: Mux | null
  /** MAC of the wrapped interface, which the ethlink shows in place of its own; null: it is not there. */
  interfaceMac: Mac | null
  mirror: Mirror
  /**
   * MTU of the wrapped interface, as last seen; 0: never. It is kept while the interface is gone, also over a restart.
   */
  deviceMtuBytes: number
}

export interface Mux extends Common<'vpcmux'>, Settings<'vpcmux'> {
  underlay: Ethlink | null
  readonly entries: EntryStore
  ifindex: number
  /** UDP port that the device was made with. */
  devicePort: number
  /** The device should be up but cannot be: the programs send nothing to it. */
  down: boolean
  /** The wrapped interface is gone and the host still has the address: packets leave by others. */
  elsewhere: boolean
  /** Other interfaces with the program that sets VTEPs' own ports. */
  ways: ReadonlySet<number>
  /**
   * Bytes of the largest outer packet on the way to a VTEP, if that is less than the MTU of the underlay's interface.
   */
  paths: ReadonlyMap<Vtep, number>
  /** The MTU of the widest way, if all are narrower and stay so; null: the interface decides. */
  widestBytes: number | null
  /** Why packets must not bypass the host's stack now. */
  objections: Objections
  /** Who it is in the datapath: its index in tables stats, drops and port_addresses, and the source of events. */
  readonly source: number
}

export interface Subnet extends Common<'subnet'>, Settings<'subnet'> {
  switch: Switch | null
  router: Router | null
}

export interface Router extends Common<'vpcrtr'>, Settings<'vpcrtr'> {
  /** All of one switch. */
  readonly subnets: Set<Subnet>
}

/** A NAT: public addresses of a router's stations. */
export interface Nat extends Common<'vpcnat'>, Settings<'vpcnat'> {
  /** Who it is in the datapath: its number there, and the source of events and counters. */
  readonly source: number
}

/** A security group: rules, and addresses of members on other hosts. Ports of this host name it themselves. */
export interface Group extends Common<'group'>, Settings<'group'> {}

/** Networks that rules name as one peer. */
export interface AddressSet extends Common<'set'>, Settings<'set'> {}

export type Interface = Vmnic | Hostif | Ethlink
/** Interfaces whose device vpcd makes. */
export type Unit = Vmnic | Hostif
/** Objects that have a mirror. */
export type Mirrored = Switch | Ethlink
export type VpcObject = Switch | Port | Interface | Mux | Subnet | Router | Nat | Group | AddressSet

/** An object of a type by the type's name. */
export type ObjectOf<T extends UnitType> = Extract<VpcObject, { type: T }>

/** The unit name: `vmnic0`. */
export const unitName = (object: VpcObject): string => `${object.type}${object.unit}`

/** Unit name and id, for messages about an object other than the one that was asked about. */
export const fullName = (object: VpcObject): string => `${unitName(object)} (${object.id})`

/** Whether an object outlives vpcd: it is committed, or a port of a switch that is. */
export const persists = (object: VpcObject): boolean =>
  !object.dead && (object.committed || (object.type === 'vpcp' && object.switch?.committed === true))

/** Why what outlives vpcd cannot name an object, and the way out; undefined: it can. */
export const fleetingProblem = (object: VpcObject): readonly [why: string, remedy: string] | undefined =>
  persists(object) ? undefined : [`${fullName(object)} is not committed, and goes with its last descriptor`, 'commit it first']

/** The id of an object that outlives vpcd; null for one that dies with it. */
export const persistentId = (object: VpcObject | null): Id | null => (object !== null && persists(object) ? object.id : null)

/** Whether objects of a type can be in a port. */
export const isInterfaceType = (type: string): type is Interface['type'] => type === 'vmnic' || type === 'hostif' || type === 'ethlink'

type ByType = { readonly [T in UnitType]: Numbered<ObjectOf<T>> }

/**
 * All objects of a host, and the ways to find them. The functions that make, connect and destroy objects keep it up to
 * date.
 */
export class Model {
  readonly objects = new Map<Id, VpcObject>()
  /** By type and name. */
  readonly names = new Map<string, VpcObject>()
  /** By unit number. */
  readonly byType: ByType = {
    vpcsw: new Numbered(),
    vpcp: new Numbered(),
    vpcmux: new Numbered(),
    vmnic: new Numbered(),
    ethlink: new Numbered(),
    hostif: new Numbered(),
    subnet: new Numbered(),
    vpcrtr: new Numbered(),
    set: new Numbered(),
    group: new Numbered(),
    vpcnat: new Numbered(),
  }
  /** Ports, muxes and NATs by who they are in the datapath. */
  readonly sources = new Numbered<Port | Mux | Nat>()
  /** Who has a device that carries a program, by its ifindex. */
  readonly devices = new Map<number, Interface | Mux>()
  /** The host's end of the veth to the services for guests; 0: no subnet has services. */
  readonly services = { ifindex: 0 }
  /** Rules of security groups by their numbers. */
  readonly ruleNames = new RuleNames()
  /** Which switch a segment is of. A VNI is one segment, so it belongs to one switch. */
  readonly segments = new Map<number, Switch>()
  /** Ports of a switch with a unit in them, by segment and the unit's MAC. */
  readonly members = new Map<number, Map<number, Port>>()
  /** Unit number for the object that is being made; undefined: the lowest free one. */
  nextUnit: number | undefined

  /** The object of an id, when there is one of that type. */
  find<T extends UnitType>(type: T, id: Id): ObjectOf<T> | undefined {
    const object = this.objects.get(id)
    return object?.type === type ? (object as ObjectOf<T>) : undefined
  }

  /** All objects of a type. */
  ofType<T extends UnitType>(type: T): Iterable<ObjectOf<T>> {
    return this.byType[type].values()
  }
}
