/** The first packet of a flow, as rules of the host see it. */

/** The first packet of a flow of IPv4, as far as it is known. */
export interface FlowPacket {
  readonly hook: 'input' | 'forward'
  readonly fromDevice: string
  readonly fromIfindex: number
  /** Of a packet that the host forwards. */
  readonly toDevice?: string
  readonly protocol: 'udp' | 'icmp'
  /** The host's own address. */
  readonly daddr?: Uint8Array
  /** UDP destination port. */
  readonly dport?: number
}

export type Match = 'yes' | 'no' | 'perhaps'
