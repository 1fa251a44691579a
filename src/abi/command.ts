/** The operations of vpc_ctl: the table of all of them. */
import { arpAnswer, ndAnswer } from './answer-layout.ts'
import type { AuditReport } from './audit.ts'
import {
  idOf,
  ids,
  interfaceName,
  json,
  mac,
  nothing,
  number,
  optionalId,
  owner,
  portFrame,
  raw,
  sockaddr,
  supervise,
  text,
  type Codec,
} from './codec.ts'
import { entry, entryList } from './entry-layout.ts'
import type { HostChange, HostDocument } from './host-file.ts'
import type {
  DaemonInfo,
  FlowInfo,
  NatBlockInfo,
  NatPortInfo,
  FindRequest,
  FollowRequest,
  FoundObject,
  HostUsage,
  ObjectChanges,
  ObjectInfo,
  ProbeResult,
  FlowImport,
  QueueStats,
  RuleCounter,
  SourceStats,
  TroubleInfo,
} from './info.ts'
import type { FlowDocument } from './flow-document.ts'
import { objectType, unitTypes, type TypeName } from './object-type.ts'
import { routesCodec } from './route.ts'
import { floatsCodec } from './float.ts'
import { memberAddresses, networks, rules } from './group-rule.ts'
import { operation, type InputOf, type Operation, type OutputOf } from './operation.ts'
import type { ArrivalRequest, TraceReport, TraceRequest } from './trace.ts'
import { operationNames, settingsOf, type SettingOperations } from './settings.ts'

export { commandBit, type Operation } from './operation.ts'

/** An operation with an output that changes nothing. */
const get = <O>(name: string, type: TypeName, op: number, gives: Codec<O>): Operation<void, O> =>
  operation(name, type, op, { takes: nothing, gives, mutate: false })
/** An operation with an input and an output that changes nothing. */
const ask = <I, O>(name: string, type: TypeName, op: number, takes: Codec<I>, gives: Codec<O>): Operation<I, O> =>
  operation(name, type, op, { takes, gives, mutate: false })
/** It changes something. */
const set = <I>(name: string, type: TypeName, op: number, takes: Codec<I>): Operation<I, void> =>
  operation(name, type, op, { takes, gives: nothing, mutate: true })

/** The operations that the settings of a type declare. */
function settingOperations(): SettingOperations {
  const found = unitTypes.flatMap((type) =>
    settingsOf(type).flatMap(([name, { kind, get: read, set: write }]): [string, Operation][] => {
      if (read === undefined || write === undefined || kind.codec === undefined) return []
      const names = operationNames(type, name)
      return [
        [names.get, get(read[0], type, read[1], kind.codec)],
        [names.set, set(write[0], type, write[1], kind.codec)],
      ]
    }),
  )
  return Object.fromEntries(found) as unknown as SettingOperations
}

const ftes = raw('array of `fte`')
const neighbours = raw('array of `neighbourEntry`')
const hostChanges = json<readonly HostChange[]>('array of `HostChange`')
const auditReport = json<AuditReport>('`AuditReport`')
const typeCode = number('a type', 2)
const rights = raw('`descriptorRights`, and a u32 (type << 16 | op) for each operation')

/** Every operation by name, with its input and output. Numbers below 0x0100 are the original's; ours start there. */
export const operations = {
  ...settingOperations(),

  metaDestroy: set('destroy', 'meta', 1, nothing),
  metaTypeGet: get('type get', 'meta', 2, number('a type', 4)),
  metaCommit: set('commit', 'meta', 3, nothing),
  metaMacSet: set('MAC set', 'meta', 4, mac),
  metaMacGet: get('MAC get', 'meta', 5, mac),
  metaMtuSet: set('MTU set', 'meta', 6, number('an MTU', 4)),
  metaMtuGet: get('MTU get', 'meta', 7, number('an MTU', 4)),
  metaIdGet: get('id get', 'meta', 8, idOf()),
  /** The owner of the object; nothing: nobody. */
  metaOwnerGet: get('owner get', 'meta', 0x0110, text),
  metaOwnerSet: set('owner set', 'meta', 0x0111, text),
  /** The name of the object; nothing: none. */
  metaNameGet: get('name get', 'meta', 0x0112, text),
  metaNameSet: set('name set', 'meta', 0x0113, text),
  metaDescribe: get('describe', 'meta', 0x0100, json<ObjectInfo>('`ObjectInfo` of src/abi/info.ts')),
  /** Narrow this descriptor for good, for all of its holders. */
  metaLimit: ask('limit', 'meta', 0x0101, rights, nothing),
  /** What this descriptor may be used for. */
  metaRightsGet: get('rights get', 'meta', 0x0102, rights),

  mgmtCount: ask('count', 'mgmt', 1, typeCode, number('a count', 4)),
  mgmtHeaders: ask('headers', 'mgmt', 2, typeCode, raw('array of `objectHeader`')),
  /** Of the objects of a type; 10: of all. */
  mgmtDescribeAll: ask('describe all', 'mgmt', 0x0100, typeCode, json<ObjectInfo[]>('array of `ObjectInfo`')),
  mgmtStats: get('stats', 'mgmt', 0x0101, json<SourceStats[]>('array of `SourceStats`')),
  /** Subscribe to dropped packets: EVENT frames of json `DropEvent` follow on this descriptor. */
  mgmtDropsFollow: get('drops follow', 'mgmt', 0x0102, raw('')),
  /** Subscribe to changes of objects: EVENT frames of json `ObjectChanges` follow on this descriptor. */
  mgmtFollow: ask('follow', 'mgmt', 0x0131, json<FollowRequest>('`FollowRequest`'), json<ObjectChanges>('`ObjectChanges`')),
  /** Of one port, or of all ports that are in security groups. */
  mgmtFlows: ask('flows', 'mgmt', 0x0140, optionalId, json<readonly FlowInfo[]>('array of `FlowInfo`')),
  /** Of all ports in security groups: the flows that had a packet within so many seconds; 0: all. */
  mgmtFlowsActive: ask('active flows', 'mgmt', 0x0142, number('seconds', 4), json<readonly FlowInfo[]>('array of `FlowInfo`')),
  /** How full tables are, and what rules and queues have counted: what metrics ask beside `stats`. */
  mgmtUsage: get('usage', 'mgmt', 0x0141, json<HostUsage>('`HostUsage`')),
  /** What this host would do with a packet that another one has sent to a mux of it. No packet moves. */
  mgmtTraceArrival: ask('trace arrival', 'mgmt', 0x0150, json<ArrivalRequest>('`ArrivalRequest`'), json<TraceReport>('`TraceReport`')),
  mgmtProbe: get('probe', 'mgmt', 0x0103, json<readonly ProbeResult[]>('array of `ProbeResult`')),
  mgmtInfo: get('info', 'mgmt', 0x0104, json<DaemonInfo>('`DaemonInfo`')),
  /** vpcd answers the calls of vpc_open and vpc_ctl that the listener has, from now on. */
  mgmtSupervise: ask('supervise', 'mgmt', 0x0105, supervise, nothing),
  /** Objects by what people call them: name, unit name or the beginning of the id. */
  mgmtFind: ask('find', 'mgmt', 0x0116, json<FindRequest>('`FindRequest`'), json<readonly FoundObject[]>('array of `FoundObject`')),
  /** Units that others have moved into containers: vpcd puts them back, should their hostifs go and come again. */
  mgmtMovedKeep: operation('moved units keep', 'mgmt', 0x0117, { takes: nothing, gives: nothing, mutate: true }),
  /** Objects in trouble, and why. */
  mgmtTroubles: get('troubles', 'mgmt', 0x0115, json<readonly TroubleInfo[]>('array of `TroubleInfo`')),
  /** The host's objects as a document (docs/host-file.md). */
  mgmtExport: get('export', 'mgmt', 0x0110, json<HostDocument>('a document')),
  /** The objects of an owner as a document. */
  mgmtExportOwned: ask('export owned', 'mgmt', 0x0130, text, json<HostDocument>('a document')),
  /** What apply would do. */
  mgmtPlan: ask('plan', 'mgmt', 0x0111, json<HostDocument>('a document'), hostChanges),
  /** Does all of it, or nothing and an errno. */
  mgmtApply: operation('apply', 'mgmt', 0x0112, { takes: json<HostDocument>('a document'), gives: hostChanges, mutate: true }),
  /** The differences. */
  mgmtAudit: get('audit', 'mgmt', 0x0113, auditReport),
  /** Repair the differences; the output reports the remaining ones. */
  mgmtRepair: operation('repair', 'mgmt', 0x0114, { takes: nothing, gives: auditReport, mutate: true }),

  /** Of a session: open an object, as vpc_open does, under a free number. */
  mgmtHandleOpen: ask('handle open', 'mgmt', 0x0120, raw('`handleOpen`'), nothing),
  /** Of a session: an operation on a handle that it holds. */
  mgmtHandleCtl: ask('handle ctl', 'mgmt', 0x0121, raw("`handleCtl`, and the command's input"), raw("the command's output")),
  /** Of a session: close a handle that it holds. */
  mgmtHandleClose: ask('handle close', 'mgmt', 0x0122, number('a handle', 4), nothing),
  /** Of a session: open objects and change them, all or nothing. It needs the rights to those objects only. */
  mgmtTransaction: ask('transaction', 'mgmt', 0x0123, raw('steps of src/abi/session.ts'), nothing),

  vpcswPortAdd: set('port add', 'vpcsw', 1, idOf('vpcp')),
  vpcswPortDelete: set('port delete', 'vpcsw', 2, idOf('vpcp')),
  vpcswUplinkSet: set('uplink port set', 'vpcsw', 3, idOf('vpcp')),
  vpcswUplinkGet: get('uplink port get', 'vpcsw', 4, idOf('vpcp')),
  vpcswReset: set('reset', 'vpcsw', 7, nothing),
  /** The answer of the original's listener to an ARP question; the table then answers the guest's next one. */
  vpcswArpAnswer: set('answer to ARP', 'vpcsw', 8, arpAnswer),
  vpcswNdAnswer: set('answer to ND', 'vpcsw', 9, ndAnswer),
  /** All are set or none. */
  vpcswNeighbourSet: set('neighbour set', 'vpcsw', 0x0102, neighbours),
  /** The MACs are ignored. */
  vpcswNeighbourDelete: set('neighbour delete', 'vpcsw', 0x0103, neighbours),
  vpcswNeighbourList: get('neighbour list', 'vpcsw', 0x0104, neighbours),
  /** Subscribe to unanswered ARP, ND and DHCP questions: EVENT frames of json `MissEvent` follow on this descriptor. */
  vpcswListen: get('listen', 'vpcsw', 0x0107, raw('')),
  vpcswPortList: get('port list', 'vpcsw', 0x0108, ids),
  /** Deliver a frame to the port's unit: a listener's answers that no table has. */
  vpcswSend: set('send', 'vpcsw', 0x0109, portFrame),
  /** With flags (`neighbourFlag`). */
  vpcswNeighbourFlagsList: get('neighbour list with flags', 'vpcsw', 0x0110, neighbours),
  /** Clear the flag `used` of all neighbours. */
  vpcswNeighbourUsedClear: set('neighbours used clear', 'vpcsw', 0x0111, nothing),

  vpcpConnect: set('connect', 'vpcp', 1, idOf()),
  /** Any interface, or only this one. */
  vpcpDisconnect: set('disconnect', 'vpcp', 2, optionalId),
  /** What this host would do with a packet of the port's interface. No packet moves. */
  vpcpTrace: ask('trace', 'vpcp', 0x0150, json<TraceRequest>('`TraceRequest`'), json<TraceReport>('`TraceReport`')),
  vpcpPeerGet: get('peer id get', 'vpcp', 9, idOf()),
  /** The flows that had a packet within so many seconds; 0: all. */
  vpcpFlowsExport: ask(
    'flows export',
    'vpcp',
    0x0160,
    number('seconds', 4),
    json<FlowDocument>('`FlowDocument` of src/abi/flow-document.ts'),
  ),
  vpcpFlowsImport: operation('flows import', 'vpcp', 0x0161, {
    takes: json<unknown>('`FlowDocument`'),
    gives: json<FlowImport>('`FlowImport`'),
    mutate: true,
  }),

  vmnicFreeze: set('freeze', 'vmnic', 9, nothing),
  vmnicUnfreeze: set('unfreeze', 'vmnic', 10, nothing),
  /** Users other than root who may open its queues. */
  vmnicOwnerGet: get('owner get', 'vmnic', 0x0100, owner),
  vmnicOwnerSet: set('owner set', 'vmnic', 0x0101, owner),
  /** How many queues hypervisors have open now. */
  vmnicOpenQueuesGet: get('open queues get', 'vmnic', 0x0103, number('a number of queues', 4)),
  vmnicQueueStats: get('queue stats', 'vmnic', 0x0102, json<QueueStats[]>('array of `QueueStats`')),

  ethlinkConnect: set('connect', 'ethlink', 1, interfaceName),
  ethlinkDisconnect: set('disconnect', 'ethlink', 4, nothing),
  ethlinkNameGet: get('connected name get', 'ethlink', 5, interfaceName),

  /** Rules with known ids are replaced. All are added or none. */
  groupRuleAdd: set('rule add', 'group', 0x0110, rules.codec!),
  groupRuleDelete: set('rule delete', 'group', 0x0111, json<readonly string[]>('array of ids of rules')),
  groupRuleCounters: get('rule counters', 'group', 0x0114, json<readonly RuleCounter[]>('array of `RuleCounter`')),
  /** Members on other hosts; known ones stay. All or none. */
  groupMemberAdd: set('member add', 'group', 0x0112, memberAddresses.codec!),
  groupMemberDelete: set('member delete', 'group', 0x0113, memberAddresses.codec!),
  setNetworkAdd: set('network add', 'set', 0x0110, networks.codec!),
  setNetworkDelete: set('network delete', 'set', 0x0111, networks.codec!),

  vpcmuxListen: set('listen', 'vpcmux', 1, sockaddr),
  /** All are set or none. MAC zero adds a VTEP to the VNI's replication list. */
  vpcmuxFteSet: set('forwarding entries set', 'vpcmux', 0x0108, ftes),
  /** MAC zero removes the named VTEP from the list; for another MAC the VTEP is ignored. */
  vpcmuxFteDelete: set('forwarding entries delete', 'vpcmux', 0x0109, ftes),
  vpcmuxFteList: get('forwarding entries list', 'vpcmux', 0x010a, ftes),
  /** One entry, in the original's layout. */
  vpcmuxEntrySet: set('forwarding entry set', 'vpcmux', 2, entry),
  vpcmuxEntryDelete: set('forwarding entry delete', 'vpcmux', 3, entry),
  /** Entries with IPv4 VTEPs, in the original's layout; a buffer of 4 bytes gets their number alone. */
  vpcmuxEntryList: get('forwarding entry list', 'vpcmux', 4, entryList),
  vpcmuxConnect: set('underlay connect', 'vpcmux', 5, idOf()),
  vpcmuxDisconnect: set('underlay disconnect', 'vpcmux', 6, nothing),
  vpcmuxConnectedGet: get('connected id get', 'vpcmux', 7, idOf('ethlink')),
  vpcmuxListenGet: get('listen address get', 'vpcmux', 8, text),
  /** As `forwarding entry set`, with flags (`fteFlag`). */
  vpcmuxFteFlagsSet: set('forwarding entries set with flags', 'vpcmux', 0x0100, ftes),
  /** With flags. */
  vpcmuxFteFlagsList: get('forwarding entries list with flags', 'vpcmux', 0x0101, ftes),
  /** Clear the flag `used` of all entries. */
  vpcmuxFteUsedClear: set('forwarding entries used clear', 'vpcmux', 0x0102, nothing),

  /** Put it into a switch; without an id, take it out. */
  subnetSwitchSet: set('switch set', 'subnet', 0x0100, optionalId),
  subnetSwitchGet: get('switch get', 'subnet', 0x0101, idOf('vpcsw')),
  /** Join it to a router; without an id, remove it from its router. */
  subnetRouterSet: set('router set', 'subnet', 0x0102, optionalId),
  subnetRouterGet: get('router get', 'subnet', 0x0103, idOf('vpcrtr')),

  /** Add all or none, each in place of the route with its table and prefix. */
  vpcrtrRouteSet: set('route set', 'vpcrtr', 1, routesCodec),
  /** Delete all or none. Their targets are ignored. */
  vpcrtrRouteDelete: set('route delete', 'vpcrtr', 2, routesCodec),
  vpcrtrRouteList: get('route list', 'vpcrtr', 3, routesCodec),

  /** Add all or none, each in place of the one with its public address. */
  vpcnatFloatAdd: set('float add', 'vpcnat', 0x0120, floatsCodec),
  /** Delete all or none, by public address. */
  vpcnatFloatDelete: set('float delete', 'vpcnat', 0x0121, floatsCodec),
  vpcnatBlocks: get('block list', 'vpcnat', 0x0122, json<readonly NatBlockInfo[]>('array of `NatBlockInfo`')),
  vpcnatPorts: get('port list', 'vpcnat', 0x0123, json<readonly NatPortInfo[]>('array of `NatPortInfo`')),
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof operations
/** The input and the output of an operation. */
export type Input<N extends OperationName> = InputOf<(typeof operations)[N]>
export type Output<N extends OperationName> = OutputOf<(typeof operations)[N]>

const byTypeAndOp = new Map<number, OperationName>(
  Object.entries(operations).map(([name, o]) => [(objectType[o.type] << 16) | o.op, name as OperationName]),
)

/**
 * The operation of a command, by its type and number alone: some old callers leave the in and out bits unset, so these
 * are ignored. Undefined when there is none.
 */
export const operationOf = (command: number): OperationName | undefined => byTypeAndOp.get(command & 0x00ffffff)

/** The flags of vpc_open. */
export const openFlag = { create: 1, open: 2, read: 4, write: 8, session: 0x100 } as const

/** The 64-bit handle type of vpc_open: version 1 in the top 4 bits, the type in bits 55..48, the rest zero. */
export const handleType = (type: TypeName): bigint => (1n << 60n) | (BigInt(objectType[type]) << 48n)
