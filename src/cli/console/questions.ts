/**
 * What the console of a host may ask vpcd: a closed list of questions that change nothing. The process that holds the
 * descriptors answers them; the one that speaks HTTP asks, and has no other way to vpcd.
 */
import type { DaemonInfo, DropEvent, FlowInfo, ObjectInfo, SourceStats, TroubleInfo } from '#abi/info.ts'
import type { PacketRequest, TraceStep } from '#abi/trace.ts'

/** The host as it is now. */
export interface HostLook {
  readonly info: DaemonInfo
  readonly objects: readonly ObjectInfo[]
  readonly troubles: readonly TroubleInfo[]
}

export interface Counters {
  readonly stats: readonly SourceStats[]
  /** Confirmed flows of each port that is in security groups, by its id. */
  readonly flows: Readonly<Record<string, number>>
}

/** A packet that was dropped, with its headers and who decided in words. */
export interface SeenDrop extends Pick<DropEvent, 'time' | 'reason' | 'unit' | 'port' | 'vni' | 'lost'> {
  readonly packet: string
  readonly cause: string
}

export interface TraceAnswer {
  readonly packet: string
  readonly steps: readonly TraceStep[]
  /** How it ends on this host. */
  readonly end: string
  readonly isDropped: boolean
}

/** What is asked, and what the answer is. */
export interface Questions {
  look: { readonly asks: undefined; readonly answers: HostLook }
  counters: { readonly asks: undefined; readonly answers: Counters }
  flows: { readonly asks: { readonly port: string | undefined }; readonly answers: readonly FlowInfo[] }
  trace: { readonly asks: { readonly port: string; readonly packet: PacketRequest }; readonly answers: TraceAnswer }
}
export type Question = keyof Questions
export const questions: readonly Question[] = ['look', 'counters', 'flows', 'trace']

/** Messages of the process that speaks HTTP. */
export type FromServer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'ask'; readonly number: number; readonly question: Question; readonly asks: unknown }

/** Messages to it. */
export type ToServer =
  | { readonly type: 'answer'; readonly number: number; readonly answers: unknown }
  | { readonly type: 'refusal'; readonly number: number; readonly text: string }
  | { readonly type: 'drop'; readonly drop: SeenDrop }
