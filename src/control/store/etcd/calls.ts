/** The calls of etcd that the driver makes: their services, and the messages that go and come. */
import type { MessageName } from './messages.ts'

const call = <Q extends MessageName, A extends MessageName>(service: string, method: string, request: Q, response: A) => ({
  path: `/etcdserverpb.${service}/${method}`,
  request,
  response,
})

export const calls = {
  range: call('KV', 'Range', 'RangeRequest', 'RangeResponse'),
  txn: call('KV', 'Txn', 'TxnRequest', 'TxnResponse'),
  deleteRange: call('KV', 'DeleteRange', 'DeleteRangeRequest', 'DeleteRangeResponse'),
  compact: call('KV', 'Compact', 'CompactionRequest', 'CompactionResponse'),
  watch: call('Watch', 'Watch', 'WatchRequest', 'WatchResponse'),
  leaseGrant: call('Lease', 'LeaseGrant', 'LeaseGrantRequest', 'LeaseGrantResponse'),
  leaseRevoke: call('Lease', 'LeaseRevoke', 'LeaseRevokeRequest', 'LeaseRevokeResponse'),
  leaseKeepAlive: call('Lease', 'LeaseKeepAlive', 'LeaseKeepAliveRequest', 'LeaseKeepAliveResponse'),
  status: call('Maintenance', 'Status', 'StatusRequest', 'StatusResponse'),
  defragment: call('Maintenance', 'Defragment', 'DefragmentRequest', 'DefragmentResponse'),
  alarm: call('Maintenance', 'Alarm', 'AlarmRequest', 'AlarmResponse'),
  authEnable: call('Auth', 'AuthEnable', 'AuthEnableRequest', 'AuthEnableResponse'),
  userAdd: call('Auth', 'UserAdd', 'AuthUserAddRequest', 'AuthUserAddResponse'),
  userGrantRole: call('Auth', 'UserGrantRole', 'AuthUserGrantRoleRequest', 'AuthUserGrantRoleResponse'),
  roleAdd: call('Auth', 'RoleAdd', 'AuthRoleAddRequest', 'AuthRoleAddResponse'),
  roleGrantPermission: call('Auth', 'RoleGrantPermission', 'AuthRoleGrantPermissionRequest', 'AuthRoleGrantPermissionResponse'),
} as const

export type CallName = keyof typeof calls
export type RequestOf<C extends CallName> = (typeof calls)[C]['request']
export type ResponseOf<C extends CallName> = (typeof calls)[C]['response']
