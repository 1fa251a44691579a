/** The answer to 'why can this vnic not reach that one?': the steps of the way, and the first obstacle. */

/** A resource, as the asker may know it. */
export interface Thing {
  readonly kind: string
  readonly id: string
  /** Its path, such as `shop/web1`; null: the asker may not know it. */
  readonly name: string | null
}

export const protocols = ['icmp', 'tcp', 'udp', 'sctp'] as const
export type Protocol = (typeof protocols)[number]

/** The packet that is asked about. Without a port it is a ping. */
export interface Packet {
  readonly family: 4 | 6
  readonly protocol: Protocol
  readonly port: number | null
  readonly source: string
  readonly destination: string
}

export const ways = ['request', 'answer'] as const
export type Way = (typeof ways)[number]
export const stages = [
  'source',
  'subnet',
  'router',
  'route',
  'peering',
  'nat',
  'groups-out',
  'groups-in',
  'host',
  'destination',
  'mtu',
] as const
export type Stage = (typeof stages)[number]

/** What may stand in the way. */
export const obstacleCodes = [
  'unplugged',
  'no-address',
  'nobody',
  'gateway',
  'no-router',
  'not-joined',
  'no-route',
  'blackhole',
  'next-hop',
  'peering',
  'no-public-address',
  'nat-protocol',
  'floating-free',
  'shared-address',
  'not-outside',
  'group-out',
  'group-in',
  'facility',
  'underlay',
  'detour',
] as const
export type ObstacleCode = (typeof obstacleCodes)[number]

/** One thing on the way that lets the packet pass, or does not. */
export interface Step {
  readonly way: Way
  readonly stage: Stage
  /** Null: it decides nothing, and is said for information. */
  readonly ok: boolean | null
  readonly text: string
  readonly thing: Thing | null
}

/** Who changed a thing last. */
export interface Changed {
  readonly time: string
  /** It was created then, and nobody has changed it since. */
  readonly isNew: boolean
  /** Id of the principal, and its name where the asker may know it. */
  readonly by: string
  readonly name: string | null
  readonly request: string
  /** Which fields, by the audit record, for those who may read it. */
  readonly fields: readonly string[] | null
}

/** The first thing that stands in the way. */
export interface Obstacle {
  /** Index of its step. */
  readonly step: number
  readonly code: ObstacleCode
  readonly text: string
  readonly thing: Thing | null
  readonly changed: Changed | null
  /** What would allow it; null: the asker cannot. */
  readonly command: string | null
}

export const hostRoles = ['source', 'destination', 'both', 'wire'] as const
export const hostStates = ['current', 'late', 'unreachable', 'failing'] as const

/** Whether a host does what the answer depends on. */
export interface ProgrammedHost {
  /** Null: the asker may not know which. */
  readonly id: string | null
  readonly name: string | null
  readonly role: (typeof hostRoles)[number]
  readonly state: (typeof hostStates)[number]
  /** The newest revision of what the answer depends on there. */
  readonly needs: string
  /** What the host does; null: nobody has heard it. */
  readonly acked: string | null
  readonly problem: { readonly code: string; readonly text: string } | null
}

/** `outside`: an address of nobody here. `hidden`: of a vnic that the asker may not know. */
export const endKinds = ['vnic', 'outside', 'hidden', 'nobody', 'gateway'] as const

export interface End {
  readonly kind: (typeof endKinds)[number]
  readonly address: string
  readonly id?: string
  readonly name?: string | null
  readonly host?: { readonly id: string; readonly name: string | null } | null
}

/**
 * `not-yet`: the model allows it, and a host does not do so yet. `unknown`: a guest forwards it, and nobody here knows
 * how.
 */
export const verdicts = ['reachable', 'blocked', 'not-yet', 'unknown'] as const
export type Verdict = (typeof verdicts)[number]

export interface PathAnswer {
  readonly verdict: Verdict
  readonly packet: Packet
  readonly from: End
  readonly to: End
  readonly steps: readonly Step[]
  readonly obstacle: Obstacle | null
  readonly programmed: { readonly revision: string; readonly hosts: readonly ProgrammedHost[] }
}
