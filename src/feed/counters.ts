/** What an agent says of the traffic of its vnics: `POST /agent/v1/counters`, each ten seconds in which some passed. */

export const countersPath = '/agent/v1/counters'
export const countersEveryMs = 10_000

/** Vnics and drops in one message at most. */
export const mostCounters = 4_000
export const mostDrops = 200
/** NATs in one message at most. */
export const mostNats = 1_000

/** What was counted. Received is from guests, transmitted to them. */
export interface Counts {
  readonly rxPackets: number
  readonly rxBytes: number
  readonly txPackets: number
  readonly txBytes: number
  /** Confirmed flows that vnics in groups have now. */
  readonly flows: number
  /** By reason. */
  readonly drops: Readonly<Record<string, number>>
}

/** Since the vnic's interface came to this host. */
export interface VnicCounters extends Counts {
  readonly vnic: string
}

/** A packet that was dropped, of a sample. */
export interface SeenDrop {
  /** RFC 3339. */
  readonly time: string
  /** Whose port dropped it. */
  readonly vnic: string
  readonly reason: string
  readonly length: number
  readonly vni: number
  /** Of what groups refused: to the vnic or from it, and whom it was for or from. */
  readonly direction: 'in' | 'out' | null
  readonly peer: string | null
  /** Its headers in words (src/wire/summary.ts): addresses, ports, the kind of message. Nothing that it carries. */
  readonly text: string
  /** Id of the rule that had allowed the flow before. */
  readonly rule: string | null
}

/** What a NAT of this host has counted on its wire: received is from outside. */
export interface NatCounters extends Omit<Counts, 'flows'> {
  /** Id of the item. */
  readonly nat: string
}

/** How many packets a NAT had no public port for since the last message: a sample, as events of drops are. */
export interface Exhausted {
  /** Id of the item. */
  readonly nat: string
  readonly packets: number
}

/** Blocks that one message names of a NAT at most. */
export const mostBlocks = 1_500

/** Who has which blocks of public ports of a NAT now: said again when it changes. */
export interface NatBlocks {
  /** Id of the item. */
  readonly nat: string
  /** Inside address, public address, ports: `10.0.0.5 203.0.113.9 1024-1087`. */
  readonly blocks: readonly string[]
}

/** Blocks that an API has not written down, so that the next host of the wire would not know them. */
export interface RefusedBlocks {
  /** Id of the item. */
  readonly nat: string
  /** How many of those that were said. */
  readonly count: number
  /**
   * `elsewhere`: the API has another host as that of the wire; `store-away`: it could not write; `unreadable`: no host
   * would take them; `no-room`: a NAT has more than the store keeps. The first two may end by themselves.
   */
  readonly code: 'elsewhere' | 'store-away' | 'unreadable' | 'no-room'
}

/** What an API answers, with status 200. With 204 it has nothing to say. */
export interface CountersAnswer {
  readonly refused: readonly RefusedBlocks[]
}

export interface HostCounters {
  /** Those that have counted something since the last message. */
  readonly vnics: readonly VnicCounters[]
  /** The newest of those that came since. */
  readonly drops: readonly SeenDrop[]
  /** NATs whose wire this host has: what they count, and those that had no port left for a packet. */
  readonly nats?: readonly NatCounters[] | undefined
  readonly exhausted?: readonly Exhausted[] | undefined
  /** Of NATs whose wire this host has, and who has blocks of which has changed. */
  readonly blocks?: readonly NatBlocks[] | undefined
}
