/** What each part of a packet's way is asked with, and where a way ends. */
import type { ObjectRecord } from '../model/record.ts'
import type { Packet, Way } from './answer.ts'
import type { Cloud } from './cloud.ts'
import type { Trail } from './trail.ts'

/** What every part of the way is asked with. */
export interface Walk {
  readonly cloud: Cloud
  readonly trail: Trail
  readonly way: Way
  readonly packet: Packet
  /** Of an answer: the vnic that asked, or somebody outside; and the address that the receiver saw. */
  readonly asker?: { readonly vnic: ObjectRecord | undefined; readonly seen: string }
}

/** Where a packet ends. `seen`: the source that its receiver sees. */
export type Arrival =
  | { readonly kind: 'vnic'; readonly vnic: ObjectRecord; readonly address: string; readonly seen: string }
  /** It is handed to a guest that may forward it. */
  | { readonly kind: 'guest'; readonly vnic: ObjectRecord }
  | { readonly kind: 'outside'; readonly seen: string }
  | { readonly kind: 'gateway' }
