/**
 * What becomes of a virtual machine, as its supervisor writes it down and as it is found later:
 *
 *     created → starting → running → stopped → starting → …
 *
 * The file says what the supervisor last knew; `phaseOf` compares it with the processes that are there.
 */
import type { Id } from '#abi/id.ts'
import { runs, type ProcessMark } from '#launch/process.ts'

/** A vmnic as a guest has it. */
export interface GuestVmnic {
  readonly id: Id
  readonly device: string
  readonly mac: string
  readonly mtuBytes: number
  readonly queues: number
}

/** Why a guest ended. */
export interface VmEnd {
  /**
   * `stopped`: it was asked to from here. `powered-off`: by the guest. `killed`: QEMU was, by a signal. `failed`: QEMU ended with an error.
   * `unknown`: nobody watched.
   */
  readonly reason: 'stopped' | 'powered-off' | 'killed' | 'failed' | 'unknown'
  readonly detail: string
  /** ISO 8601. */
  readonly at: string
}

export interface VmState {
  readonly phase: 'starting' | 'running' | 'stopped'
  readonly supervisor: ProcessMark | null
  readonly qemu: ProcessMark | null
  readonly acceleration: 'kvm' | 'tcg'
  readonly vhost: boolean
  /** Who QEMU runs as. */
  readonly user: string
  readonly startedAt: string
  /** Times that the guest was reset since, by itself or by the hypervisor. */
  readonly resets: number
  readonly vmnics: readonly GuestVmnic[]
  readonly end: VmEnd | null
}

export type VmPhase = 'created' | VmState['phase']

export interface VmPresence {
  readonly phase: VmPhase
  readonly end: VmEnd | null
  /** The guest runs and nobody watches it. */
  readonly orphaned: boolean
}

/** How it is with a machine now. */
export function presenceOf(state: VmState | undefined): VmPresence {
  if (state === undefined) return { phase: 'created', end: null, orphaned: false }
  if (state.phase === 'stopped') return { phase: 'stopped', end: state.end, orphaned: false }
  const supervised = runs(state.supervisor)
  if (runs(state.qemu)) return { phase: state.phase, end: null, orphaned: !supervised }
  if (supervised) return { phase: state.phase, end: null, orphaned: false }
  const end: VmEnd = { reason: 'unknown', detail: 'it ended while nobody watched it', at: state.startedAt }
  return { phase: 'stopped', end, orphaned: false }
}
