/**
 * The messages of etcd's protocol that the driver uses, by the names and field numbers of etcd's rpc.proto, kv.proto
 * and auth.proto. The encoders, the decoders and the types follow from this one table.
 */
import protobuf from 'protobufjs'

type Int64 = { toNumber(): number; toString(): string }

interface Decodes {
  readonly bytes: Uint8Array
  readonly string: string
  readonly bool: boolean
  readonly int64: Int64
  readonly uint64: Int64
  readonly int32: number
}

interface Encodes {
  readonly bytes: Uint8Array
  readonly string: string
  readonly bool: boolean
  readonly int64: number | string
  readonly uint64: number | string
  readonly int32: number
}

/** Enumerations are int32 on the wire. */
export const compareResult = { equal: 0, greater: 1 } as const
export const compareTarget = { version: 0, create: 1, mod: 2 } as const
export const eventType = { put: 0, delete: 1 } as const
export const alarmAction = { get: 0, deactivate: 2 } as const
export const alarmType = { noSpace: 1 } as const
export const permission = { readWrite: 2 } as const

const header = [1, 'ResponseHeader'] as const

const declared = {
  ResponseHeader: { cluster_id: [1, 'uint64'], member_id: [2, 'uint64'], revision: [3, 'int64'], raft_term: [4, 'uint64'] },
  KeyValue: {
    key: [1, 'bytes'],
    create_revision: [2, 'int64'],
    mod_revision: [3, 'int64'],
    version: [4, 'int64'],
    value: [5, 'bytes'],
    lease: [6, 'int64'],
  },
  RangeRequest: {
    key: [1, 'bytes'],
    range_end: [2, 'bytes'],
    limit: [3, 'int64'],
    revision: [4, 'int64'],
    keys_only: [8, 'bool'],
    count_only: [9, 'bool'],
  },
  RangeResponse: { header, kvs: [2, 'KeyValue', 'repeated'], more: [3, 'bool'], count: [4, 'int64'] },
  PutRequest: { key: [1, 'bytes'], value: [2, 'bytes'], lease: [3, 'int64'], ignore_lease: [6, 'bool'] },
  PutResponse: { header },
  DeleteRangeRequest: { key: [1, 'bytes'], range_end: [2, 'bytes'] },
  DeleteRangeResponse: { header, deleted: [2, 'int64'] },
  RequestOp: {
    request_range: [1, 'RangeRequest'],
    request_put: [2, 'PutRequest'],
    request_delete_range: [3, 'DeleteRangeRequest'],
  },
  ResponseOp: {
    response_range: [1, 'RangeResponse'],
    response_put: [2, 'PutResponse'],
    response_delete_range: [3, 'DeleteRangeResponse'],
  },
  Compare: {
    result: [1, 'int32'],
    target: [2, 'int32'],
    key: [3, 'bytes'],
    version: [4, 'int64'],
    create_revision: [5, 'int64'],
    mod_revision: [6, 'int64'],
    range_end: [64, 'bytes'],
  },
  TxnRequest: { compare: [1, 'Compare', 'repeated'], success: [2, 'RequestOp', 'repeated'], failure: [3, 'RequestOp', 'repeated'] },
  TxnResponse: { header, succeeded: [2, 'bool'], responses: [3, 'ResponseOp', 'repeated'] },
  CompactionRequest: { revision: [1, 'int64'], physical: [2, 'bool'] },
  CompactionResponse: { header },
  WatchRequest: { create_request: [1, 'WatchCreateRequest'], progress_request: [3, 'WatchProgressRequest'] },
  WatchCreateRequest: { key: [1, 'bytes'], range_end: [2, 'bytes'], start_revision: [3, 'int64'], progress_notify: [4, 'bool'] },
  WatchProgressRequest: {},
  Event: { type: [1, 'int32'], kv: [2, 'KeyValue'] },
  WatchResponse: {
    header,
    watch_id: [2, 'int64'],
    created: [3, 'bool'],
    canceled: [4, 'bool'],
    compact_revision: [5, 'int64'],
    cancel_reason: [6, 'string'],
    events: [11, 'Event', 'repeated'],
  },
  LeaseGrantRequest: { TTL: [1, 'int64'], ID: [2, 'int64'] },
  LeaseGrantResponse: { header, ID: [2, 'int64'], TTL: [3, 'int64'], error: [4, 'string'] },
  LeaseRevokeRequest: { ID: [1, 'int64'] },
  LeaseRevokeResponse: { header },
  LeaseKeepAliveRequest: { ID: [1, 'int64'] },
  LeaseKeepAliveResponse: { header, ID: [2, 'int64'], TTL: [3, 'int64'] },
  StatusRequest: {},
  StatusResponse: {
    header,
    version: [2, 'string'],
    dbSize: [3, 'int64'],
    leader: [4, 'uint64'],
    errors: [8, 'string', 'repeated'],
    dbSizeInUse: [9, 'int64'],
    /** From 3.6 on; 0 before. */
    dbSizeQuota: [12, 'int64'],
  },
  DefragmentRequest: {},
  DefragmentResponse: { header },
  AlarmRequest: { action: [1, 'int32'], memberID: [2, 'uint64'], alarm: [3, 'int32'] },
  AlarmMember: { memberID: [1, 'uint64'], alarm: [2, 'int32'] },
  AlarmResponse: { header, alarms: [2, 'AlarmMember', 'repeated'] },
  AuthEnableRequest: {},
  AuthEnableResponse: { header },
  AuthUserAddRequest: { name: [1, 'string'], password: [2, 'string'], options: [3, 'UserAddOptions'] },
  UserAddOptions: { no_password: [1, 'bool'] },
  AuthUserAddResponse: { header },
  AuthUserGrantRoleRequest: { user: [1, 'string'], role: [2, 'string'] },
  AuthUserGrantRoleResponse: { header },
  AuthRoleAddRequest: { name: [1, 'string'] },
  AuthRoleAddResponse: { header },
  AuthRoleGrantPermissionRequest: { name: [1, 'string'], perm: [2, 'Permission'] },
  Permission: { permType: [1, 'int32'], key: [2, 'bytes'], range_end: [3, 'bytes'] },
  AuthRoleGrantPermissionResponse: { header },
} as const

type Declared = typeof declared
export type MessageName = keyof Declared
type Field = readonly [id: number, type: string, rule?: 'repeated']

type ValueOf<T, Scalars> = T extends keyof Scalars
  ? Scalars[T]
  : T extends MessageName
    ? Scalars extends Decodes
      ? Decoded<T>
      : Encoded<T>
    : never

/** A message as it arrives: absent messages are null, other absent fields have their zero. */
export type Decoded<N extends MessageName> = {
  readonly [F in keyof Declared[N]]: Declared[N][F] extends readonly [number, infer T, 'repeated']
    ? readonly ValueOf<T, Decodes>[]
    : Declared[N][F] extends readonly [number, infer T]
      ? T extends MessageName
        ? Decoded<T> | null
        : ValueOf<T, Decodes>
      : never
}

/** A message to send. */
export type Encoded<N extends MessageName> = {
  readonly [F in keyof Declared[N]]?: Declared[N][F] extends readonly [number, infer T, 'repeated']
    ? readonly ValueOf<T, Encodes>[]
    : Declared[N][F] extends readonly [number, infer T]
      ? ValueOf<T, Encodes>
      : never
}

const root = new protobuf.Root()
for (const [name, fields] of Object.entries(declared)) {
  const type = new protobuf.Type(name)
  for (const [field, [id, of, rule]] of Object.entries(fields as Record<string, Field>)) type.add(new protobuf.Field(field, id, of, rule))
  root.add(type)
}
root.resolveAll()

export const encode = <N extends MessageName>(name: N, message: Encoded<N>): Buffer =>
  Buffer.from(root.lookupType(name).encode(message).finish())

export const decode = <N extends MessageName>(name: N, bytes: Uint8Array): Decoded<N> =>
  root.lookupType(name).decode(bytes) as unknown as Decoded<N>
