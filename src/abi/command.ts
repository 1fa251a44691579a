/** The operations of vpc_ctl: how a 32-bit command is put together, and the table of all of them. */
import { objectType, type TypeName } from './object-type.ts'

export const commandBit = {
  in: 0x80000000,
  out: 0x40000000,
  mutate: 0x20000000,
  privileged: 0x10000000,
} as const

/** One operation: its type and number, what it takes and gives, and what right it needs. */
export interface Operation {
  readonly name: string
  readonly type: TypeName
  readonly op: number
  readonly in: boolean
  readonly out: boolean
  /** Needs a descriptor opened with WRITE. Every operation that mutates is privileged as well. */
  readonly mutate: boolean
  readonly command: number
}

type Shape = 'in' | 'out' | 'inout' | 'none'

function operation(name: string, type: TypeName, op: number, shape: Shape, mutate: boolean): Operation {
  const takes = shape === 'in' || shape === 'inout'
  const gives = shape === 'out' || shape === 'inout'
  const bits = (takes ? commandBit.in : 0) | (gives ? commandBit.out : 0) | (mutate ? commandBit.mutate | commandBit.privileged : 0)
  return { name, type, op, in: takes, out: gives, mutate, command: (bits | (objectType[type] << 16) | op) >>> 0 }
}

const get = (name: string, type: TypeName, op: number, shape: 'in' | 'out' | 'inout' = 'out'): Operation =>
  operation(name, type, op, shape, false)
const set = (name: string, type: TypeName, op: number, shape: Shape = 'in'): Operation => operation(name, type, op, shape, true)

/**
 * Every operation by name. Numbers below 0x0100 are the original's; ours start there. Where the comment names no layout, the
 * ABI's table does (docs/abi.md); `json` is UTF-8 JSON.
 */
export const operations = {
  metaDestroy: set('destroy', 'meta', 1, 'none'),
  metaTypeGet: get('type get', 'meta', 2),
  metaCommit: set('commit', 'meta', 3, 'none'),
  metaMacSet: set('MAC set', 'meta', 4),
  metaMacGet: get('MAC get', 'meta', 5),
  metaMtuSet: set('MTU set', 'meta', 6),
  metaMtuGet: get('MTU get', 'meta', 7),
  metaIdGet: get('id get', 'meta', 8),
  /** out: json, the object's settings and state (`ObjectInfo` of src/abi/info.ts). */
  metaDescribe: get('describe', 'meta', 0x0100),
  /** Narrow this descriptor for good, for all who hold it. in: `descriptorRights`, and a u32 (type << 16 | op) for each operation that stays. */
  metaLimit: get('limit', 'meta', 0x0101, 'in'),
  /** What this descriptor may be used for. out: as `limit` takes it. */
  metaRightsGet: get('rights get', 'meta', 0x0102),

  mgmtCount: get('count', 'mgmt', 1, 'inout'),
  mgmtHeaders: get('headers', 'mgmt', 2, 'inout'),
  /** in: type u16 (10: all); out: json array of `ObjectInfo`. */
  mgmtDescribeAll: get('describe all', 'mgmt', 0x0100, 'inout'),
  /** out: json array of `SourceStats`. */
  mgmtStats: get('stats', 'mgmt', 0x0101),
  /** Subscribe to dropped packets: EVENT frames of json `DropEvent` follow on this descriptor. */
  mgmtDropsFollow: get('drops follow', 'mgmt', 0x0102),
  /** out: json array of `ProbeResult`. */
  mgmtProbe: get('probe', 'mgmt', 0x0103),
  /** out: json `DaemonInfo`. */
  mgmtInfo: get('info', 'mgmt', 0x0104),
  /** in: `superviseRequest`. vpcd answers the calls of vpc_open and vpc_ctl that the listener has, from now on. */
  mgmtSupervise: get('supervise', 'mgmt', 0x0105, 'in'),
  /** out: json, the host's objects as a document (docs/host-file.md). */
  mgmtExport: get('export', 'mgmt', 0x0110),
  /** in: json document; out: json array of `HostChange`: what apply would do. */
  mgmtPlan: get('plan', 'mgmt', 0x0111, 'inout'),
  /** in: json document; out: json array of `HostChange`: what was done, all of it or, with an errno, nothing. */
  mgmtApply: set('apply', 'mgmt', 0x0112, 'inout'),
  /** out: json `AuditReport`: what is not as it should be. */
  mgmtAudit: get('audit', 'mgmt', 0x0113),
  /** out: json `AuditReport`, after it was mended. */
  mgmtRepair: set('repair', 'mgmt', 0x0114, 'out'),

  vpcswPortAdd: set('port add', 'vpcsw', 1),
  vpcswPortDelete: set('port delete', 'vpcsw', 2),
  vpcswUplinkSet: set('uplink port set', 'vpcsw', 3),
  vpcswUplinkGet: get('uplink port get', 'vpcsw', 4),
  vpcswStateGet: get('state get', 'vpcsw', 5),
  vpcswStateSet: set('state set', 'vpcsw', 6),
  vpcswReset: set('reset', 'vpcsw', 7, 'none'),
  /** u32 big-endian: the VNI that ports get when they are added. */
  vpcswVniGet: get('default VNI get', 'vpcsw', 0x0100),
  vpcswVniSet: set('default VNI set', 'vpcsw', 0x0101),
  /** in: array of `neighbourEntry`; all are set or none. */
  vpcswNeighbourSet: set('neighbour set', 'vpcsw', 0x0102),
  /** in: array of `neighbourEntry`, whose MACs are not looked at. */
  vpcswNeighbourDelete: set('neighbour delete', 'vpcsw', 0x0103),
  /** out: array of `neighbourEntry`. */
  vpcswNeighbourList: get('neighbour list', 'vpcsw', 0x0104),
  /** u16, 0 or 1: flood ARP and ND questions that the neighbour table does not answer. */
  vpcswFloodGet: get('flood unknown get', 'vpcsw', 0x0105),
  vpcswFloodSet: set('flood unknown set', 'vpcsw', 0x0106),
  /** Subscribe to unanswered ARP, ND and DHCP questions: EVENT frames of json `MissEvent` follow on this descriptor. */
  vpcswListen: get('listen', 'vpcsw', 0x0107),
  /** out: array of ids, 16 bytes each. */
  vpcswPortList: get('port list', 'vpcsw', 0x0108),
  /** in: a port's id, then a frame without a tag, which comes out of the port's unit: how a listener answers what no table does. */
  vpcswSend: set('send', 'vpcsw', 0x0109),

  vpcpConnect: set('connect', 'vpcp', 1),
  vpcpDisconnect: set('disconnect', 'vpcp', 2),
  vpcpVniGet: get('VNI get', 'vpcp', 3),
  vpcpVniSet: set('VNI set', 'vpcp', 4),
  vpcpVlanGet: get('VLAN get', 'vpcp', 5),
  vpcpVlanSet: set('VLAN set', 'vpcp', 6),
  vpcpPeerGet: get('peer id get', 'vpcp', 9),
  /** array of addresses, 16 bytes each in network order (IPv4 as ::ffff:a.b.c.d); replaces what was set; none: no check. */
  vpcpAddressesGet: get('addresses get', 'vpcp', 0x0100),
  vpcpAddressesSet: set('addresses set', 'vpcp', 0x0101),
  /** u16, 0 or 1. */
  vpcpAntispoofGet: get('antispoof get', 'vpcp', 0x0102),
  vpcpAntispoofSet: set('antispoof set', 'vpcp', 0x0103),

  vmnicQueuesGet: get('queue count get', 'vmnic', 1),
  vmnicQueuesSet: set('queue count set', 'vmnic', 2),
  vmnicFreeze: set('freeze', 'vmnic', 9, 'none'),
  vmnicUnfreeze: set('unfreeze', 'vmnic', 10, 'none'),
  /** `vmnicOwner`: who besides root may open its queues. */
  vmnicOwnerGet: get('owner get', 'vmnic', 0x0100),
  vmnicOwnerSet: set('owner set', 'vmnic', 0x0101),
  /** out: json array of `QueueStats`. */
  vmnicQueueStats: get('queue stats', 'vmnic', 0x0102),

  ethlinkConnect: set('connect', 'ethlink', 1),
  ethlinkDisconnect: set('disconnect', 'ethlink', 4, 'none'),
  ethlinkNameGet: get('connected name get', 'ethlink', 5),
  ethlinkVtagGet: get('vtag get', 'ethlink', 6),
  ethlinkVtagSet: set('vtag set', 'ethlink', 7),

  vpcmuxListen: set('listen', 'vpcmux', 1),
  /** in: array of `fte`; all are set or none. MAC zero adds a VTEP to the VNI's replication list. */
  vpcmuxFteSet: set('forwarding entry set', 'vpcmux', 2),
  /** in: array of `fte`. MAC zero takes the named VTEP off the list; with another MAC the VTEP is not looked at. */
  vpcmuxFteDelete: set('forwarding entry delete', 'vpcmux', 3),
  /** out: array of `fte`. */
  vpcmuxFteList: get('forwarding entries list', 'vpcmux', 4),
  vpcmuxConnect: set('underlay connect', 'vpcmux', 5),
  vpcmuxDisconnect: set('underlay disconnect', 'vpcmux', 6, 'none'),
  vpcmuxConnectedGet: get('connected id get', 'vpcmux', 7),
  vpcmuxListenGet: get('listen address get', 'vpcmux', 8),
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

const byTypeAndOp = new Map<number, OperationName>(
  Object.entries(operations).map(([name, o]) => [(objectType[o.type] << 16) | o.op, name as OperationName]),
)

/**
 * The operation that a command asks for, by its type and number alone: some old callers leave the in and out bits unset, so
 * those are not looked at. Undefined when there is none.
 */
export const operationOf = (command: number): OperationName | undefined => byTypeAndOp.get(command & 0x00ffffff)

/** The flags of vpc_open. */
export const openFlag = { create: 1, open: 2, read: 4, write: 8 } as const

/** The 64-bit handle type of vpc_open: version 1 in the top 4 bits, the type in bits 55..48, the rest zero. */
export const handleType = (type: TypeName): bigint => (1n << 60n) | (BigInt(objectType[type]) << 48n)
