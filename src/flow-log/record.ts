/** A line of a flow log. */

export interface FlowRecord {
  /**
   * `end`: the flow is over, or had no packet for a while. `continues`: more records of it follow. `denied`: packets
   * that groups refused. `unseen`: refused packets of a port without more to say about them. `lost`: records that a
   * destination could not take.
   */
  readonly event: 'end' | 'continues' | 'denied' | 'unseen' | 'lost'
  readonly verdict: 'accepted' | 'denied' | null
  /** RFC 3339: its first and last packet. Of accepted flows they are good to two seconds. */
  readonly start: string
  readonly end: string
  /** Unit name of the port, and the vnic that it stands for. */
  readonly port: string | null
  readonly vnic: string | null
  /** Towards the port, or from it. */
  readonly direction: 'in' | 'out' | null
  readonly protocol: string | null
  /** Who began. */
  readonly source: string | null
  readonly sourcePort: number | null
  readonly destination: string | null
  readonly destinationPort: number | null
  readonly packets: number
  readonly bytes: number
  /** Of the answers. */
  readonly packetsBack: number
  readonly bytesBack: number
  /** The rule that allowed the flow, or had allowed it; null: everything may go out, or no rule allows it. */
  readonly rule: string | null
  /** Why it was denied. */
  readonly reason: string | null
  /** One of so many flows is logged. */
  readonly sample: number
  /** The flow log of the cloud that asked for it. */
  readonly flowLog?: string
}

/** A record with nothing in it. */
export const emptyRecord: FlowRecord = {
  event: 'end',
  verdict: null,
  start: '',
  end: '',
  port: null,
  vnic: null,
  direction: null,
  protocol: null,
  source: null,
  sourcePort: null,
  destination: null,
  destinationPort: null,
  packets: 0,
  bytes: 0,
  packetsBack: 0,
  bytesBack: 0,
  rule: null,
  reason: null,
  sample: 1,
}

/** Whether the flows of a key are among those that are logged. */
export function isSampled(key: string, sample: number): boolean {
  if (sample === 1) return true
  // FNV-1a.
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0
  return hash % sample === 0
}
