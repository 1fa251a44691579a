/**
 * The state of a virtual machine, as its supervisor records it:
 *
 * created → starting → running → stopped → starting → …
 *
 * The file has the supervisor's last knowledge; `presenceOf` compares it with the processes that exist.
 */
import type { Id } from '#abi/id.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'

/** A vmnic as the guest has it. */
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
   * `stopped`: a command asked for it. `powered-off`: by the guest. `killed`: a signal ended QEMU. `failed`: QEMU ended
   * with an error. `unknown`: no supervisor saw it.
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
  /** User of QEMU. */
  readonly user: string
  readonly startedAt: string
  /** How often the guest was reset since its start, by itself or by the hypervisor. */
  readonly resets: number
  readonly vmnics: readonly GuestVmnic[]
  readonly end: VmEnd | null
}

export type VmPhase = 'created' | VmState['phase']

export interface VmPresence {
  readonly phase: VmPhase
  readonly end: VmEnd | null
  /** The guest runs without a supervisor. */
  readonly orphaned: boolean
}

/** The present state of a machine. */
export function presenceOf(state: VmState | undefined): VmPresence {
  if (state === undefined) return { phase: 'created', end: null, orphaned: false }
  if (state.phase === 'stopped') return { phase: 'stopped', end: state.end, orphaned: false }
  const supervised = isRunning(state.supervisor)
  if (isRunning(state.qemu)) return { phase: state.phase, end: null, orphaned: !supervised }
  if (supervised) return { phase: state.phase, end: null, orphaned: false }
  const end: VmEnd = { reason: 'unknown', detail: 'it ended while nobody watched it', at: state.startedAt }
  return { phase: 'stopped', end, orphaned: false }
}
