/** The view of a virtual machine: one value for programs, words for people. */
import { presenceOf, type GuestVmnic, type VmEnd, type VmPhase, type VmState } from '#vm/vm-state.ts'
import type { VmDefinition } from '#vm/definition.ts'
import { supervisedState } from '#vm/supervise.ts'
import type { VmDirectory } from '#vm/vm-directory.ts'

/** A machine as `--json` gives it. */
export interface VmView extends VmDefinition {
  readonly state: VmPhase
  readonly acceleration: VmDefinition['acceleration']
  readonly running: {
    readonly acceleration: 'kvm' | 'tcg'
    readonly pid: number | null
    readonly supervisor: number | null
    readonly user: string
    readonly vhost: boolean
    readonly resets: number
    readonly vmnics: readonly GuestVmnic[]
  } | null
  readonly startedAt: string | null
  readonly end: VmEnd | null
  readonly directory: string
}

/** A machine whose files cannot be read, as `--json` gives it. */
export interface BrokenVm {
  readonly id: string
  readonly state: 'broken'
  /** The file, its problem, and the remedy. */
  readonly problem: string
  readonly directory: string
}

/**
 * The view of a machine that may have unreadable files: the view then has the problem, and other machines still show.
 */
export async function viewAnyVm(directory: VmDirectory): Promise<VmView | BrokenVm> {
  try {
    return await viewVm(directory)
  } catch (error) {
    const { message } = error as Error
    return { id: directory.id, state: 'broken', problem: message, directory: directory.path }
  }
}

/** The view of a machine. A guest without a supervisor gets one. */
export async function viewVm(directory: VmDirectory): Promise<VmView> {
  const definition = directory.definition()
  return toView(directory, definition, await supervisedState(directory))
}

function toView({ path }: VmDirectory, definition: VmDefinition, state: VmState | undefined): VmView {
  const { phase, end } = presenceOf(state)
  const running =
    state === undefined || (phase !== 'running' && phase !== 'starting')
      ? null
      : {
          acceleration: state.acceleration,
          pid: state.qemu?.pid ?? null,
          supervisor: state.supervisor?.pid ?? null,
          user: state.user,
          vhost: state.vhost,
          resets: state.resets,
          vmnics: state.vmnics,
        }
  return { ...definition, state: phase, running, startedAt: state?.startedAt ?? null, end, directory: path }
}

/** For a list: `stopped: powered-off`. */
export const shortState = ({ state, end }: Pick<VmView, 'state' | 'end'>): string =>
  state === 'stopped' && end !== null && end.reason !== 'stopped' ? `stopped: ${end.reason}` : state

/** `stopped: powered-off (by the guest itself)`. */
export const stateText = ({ state, end }: Pick<VmView, 'state' | 'end'>): string =>
  state === 'stopped' && end !== null
    ? `stopped: ${end.reason === 'stopped' ? '' : `${end.reason} `}(${end.detail})`.replace(': (', ' (')
    : state
