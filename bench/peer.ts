/** What a data plane has to offer to be measured: two guests that reach each other, under the conditions asked for. */
import type { Bed, Namespace } from './bed.ts'

export const scopes = ['cross-host', 'same-host'] as const
export type Scope = (typeof scopes)[number]

export interface Conditions {
  readonly scope: Scope
  /** The guests' MTU; the underlay's is 50 more. */
  readonly mtu: number
  /** Segmentation and checksum offloads of the underlay's devices. */
  readonly offload: boolean
  /** Forwarding entries in the table that the path looks into. */
  readonly entries: number
  /** Rules for what the guests let in, and connections tracked: `rules` of peers/rules.ts. */
  readonly groups?: boolean
  /** The server is outside, on a wire of the guest's host: peers/nat.ts. */
  readonly outside?: boolean
}

/** Two guests, ready to talk. */
export interface Path {
  readonly client: Namespace
  readonly server: Namespace
  /** Address of the server's guest. */
  readonly address: string
}

/** A container, and a tap on another host for a virtual machine that has the second guest's address and MAC. */
export interface MachinePath {
  readonly client: Namespace
  readonly host: Namespace
  /** Has two queues, with virtio headers. */
  readonly tap: string
  readonly address: string
  /** Properties of the machine's network card, where the usual ones do not suit the peer. */
  readonly card?: string
}

export interface Peer {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Whether tables of many entries mean anything to it. */
  readonly hasEntries: boolean
  /** Why this machine cannot set it up, or undefined. */
  missing?(bed: Bed): string | undefined
  up(bed: Bed, conditions: Conditions): Promise<Path>
  /** Seconds to set it up across hosts, for each of its forwarding entries as well. */
  readonly upSeconds: number
  readonly entrySeconds?: number
  toMachine?(bed: Bed, conditions: Conditions): Promise<MachinePath>
}

/** Addresses and MACs that every set-up gives to its two guests and two hosts. */
export const plan = {
  network: 24,
  guests: [
    { address: '10.99.0.1', mac: '02:99:00:00:00:01' },
    { address: '10.99.0.2', mac: '02:99:00:00:00:02' },
  ],
  hosts: ['198.18.0.1', '198.18.0.2'],
  vni: 9001,
  overheadBytes: 50,
} as const

/** A MAC address that no guest has: the i-th forwarding entry that is only there to fill the table. */
const fillerMac = (i: number): string =>
  `02:f0:00:${[16, 8, 0].map((shift) => ((i >> shift) & 0xff).toString(16).padStart(2, '0')).join(':')}`

/** The MACs that a host has forwarding entries for, the other host's guest before all. */
export const entryMacs = (index: 0 | 1, count: number): readonly string[] => [
  plan.guests[1 - index]!.mac,
  ...Array.from({ length: count - 1 }, (_, i) => fillerMac(i)),
]
