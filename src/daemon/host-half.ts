/** The objects and the datapath below them, started and stopped together. Imported only after the probe: it loads libbpf. */
import { join } from 'node:path'
import { Datapath } from '#datapath/datapath.ts'
import { PinnedMapDiffers } from '#datapath/pinned-map.ts'
import { endAbandonedGracePeriods } from '#datapath/grace-period.ts'
import { Devices } from '#datapath/device/devices.ts'
import { Host, type Access } from '#object/host.ts'
import { Journal, JournalUnusable } from '#object/journal.ts'
import type { DaemonInfo, ProbeResult } from '#abi/info.ts'
import { KernelError } from '#kernel/errno.ts'
import { LoadError } from '#kernel/verifier-log.ts'
import { StartRefused } from './directories.ts'
import type { Log } from './log.ts'
import type { Opener } from './opener.ts'

export interface HostHalfOptions {
  readonly bpffs: string
  readonly objectDir: string
  readonly stateDir: string
  readonly log: Log
  readonly access: Access
  /** What management handles are told of this vpcd. */
  readonly report: { probe(): readonly ProbeResult[]; info(): DaemonInfo }
}

export interface HostHalf extends AsyncDisposable {
  readonly opener: Opener
  /** Have another say in who may open what, from the next open on. */
  setAccess(access: Access): void
  /** How many objects and open descriptors there are. */
  info(): { readonly objects: number; readonly descriptors: number }
}

/** Load the programs, bring kernel and journal together. What fails half-way is closed again; what is pinned stays. */
export async function startHostHalf({ bpffs, objectDir, stateDir, log, access, report }: HostHalfOptions): Promise<HostHalf> {
  const stack = new AsyncDisposableStack()
  try {
    endAbandonedGracePeriods()
    const journal = stack.use(Journal.open(join(stateDir, 'state.db')))
    const devices = stack.use(Devices.open())
    const datapath = loadPrograms(bpffs, objectDir, log)
    stack.defer(() => datapath.close())
    const host = Host.start({ datapath, devices, journal, log, access, report })
    stack.defer(() => host.close())
    const setAccess = (next: Access): void => void (host.access = next)
    return { opener: host, setAccess, info: () => host.info(), [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw isExplained(error) ? new StartRefused(error.message, { cause: error }) : error
  }
}

/** What cannot be loaded replaces nothing: programs that an earlier vpcd has left on devices go on. */
function loadPrograms(bpffs: string, objectDir: string, log: Log): Datapath {
  try {
    return Datapath.load({ bpffs, objectDir })
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    log.debug('the verifier refused a program', { object: error.object, log: error.log })
    throw new StartRefused(
      `the programs in ${objectDir} do not load, so those of before go on: ${error.message}; start the version of before, or see more with --log-level=debug`,
      { cause: error },
    )
  }
}

/** Errors whose message is for people: they are not bugs of ours. */
const isExplained = (error: unknown): error is Error =>
  error instanceof JournalUnusable || error instanceof KernelError || error instanceof PinnedMapDiffers
