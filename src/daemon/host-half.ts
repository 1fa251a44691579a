/**
 * The objects and the datapath below them, started and stopped together. Import it only after the probe: it loads
 * libbpf.
 */
import { join } from 'node:path'
import { Datapath } from '#datapath/datapath.ts'
import { TableHoldsMore } from '#datapath/resize-map.ts'
import { TableFull } from '#datapath/table.ts'
import { limitsFor, optionOf, type TableSizes } from '#datapath/table-sizes.ts'
import { endAbandonedGracePeriods } from '#datapath/grace-period.ts'
import { Devices } from '#datapath/device/devices.ts'
import { Host, type Access } from '#object/host.ts'
import { MovedUnits } from '#object/store/moved-units.ts'
import { Journal, JournalUnusable } from '#object/store/journal.ts'
import { GuestFiles } from '#datapath/guest-files.ts'
import { ServiceProcesses } from './service-processes.ts'
import type { DaemonInfo, ProbeResult } from '#abi/info.ts'
import { KernelError } from '#kernel/errno.ts'
import { LoadError } from '#kernel/verifier-log.ts'
import { StartRefused } from './start-refused.ts'
import type { Log } from '#system/log.ts'
import type { Opener } from './opener.ts'

export interface HostHalfOptions {
  readonly bpffs: string
  readonly objectDir: string
  readonly tables?: TableSizes | undefined
  readonly stateDir: string
  readonly runDir: string
  readonly log: Log
  readonly access: Access
  /** Facts about this vpcd for management handles. */
  readonly report: { probe(): readonly ProbeResult[]; info(): DaemonInfo }
}

export interface HostHalf extends AsyncDisposable {
  readonly opener: Opener
  /** Replace the rules of who may open what, from the next open on. */
  setAccess(access: Access): void
  /** How many objects and open descriptors there are. */
  info(): { readonly objects: number; readonly descriptors: number }
}

/**
 * Load the programs, and make the kernel agree with the journal. After a failure, close everything again; pins stay.
 */
export async function startHostHalf(options: HostHalfOptions): Promise<HostHalf> {
  const { stateDir, runDir, log, access, report } = options
  const stack = new AsyncDisposableStack()
  try {
    endAbandonedGracePeriods()
    const journal = stack.use(Journal.open(join(stateDir, 'state.db')))
    const devices = stack.use(Devices.open())
    const datapath = loadPrograms(options)
    stack.defer(() => datapath.close())
    const guestFiles = new GuestFiles(join(runDir, 'guests'))
    const serving = stack.use(new ServiceProcesses(runDir, guestFiles, log))
    const moved = new MovedUnits(stateDir)
    const host = Host.start({ datapath, devices, journal, log, access, report, serving, guestFiles, moved })
    serving.heard = (question) => host.tellQuestion(question)
    stack.defer(() => host.close())
    const setAccess = (next: Access): void => void (host.access = next)
    const opener: Opener = { open: (...call) => host.openInTurn(...call) }
    return { opener, setAccess, info: () => host.info(), [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    if (error instanceof TableFull) throw tooSmall(error)
    throw isExplained(error) ? new StartRefused(error.message, { cause: error }) : error
  }
}

/** Programs that do not load replace nothing: those of an earlier vpcd stay on their devices. */
function loadPrograms({ bpffs, objectDir, tables = {}, log }: HostHalfOptions): Datapath {
  try {
    const datapath = Datapath.load({ bpffs, objectDir, limits: limitsFor(tables) })
    for (const { table, from, to } of datapath.resized) log.info(`table ${table} takes ${to} entries now`, { before: from })
    for (const [table, difference] of datapath.rebuilt)
      log.info(`table ${table} has another layout and is built anew; running programs keep the old one until the new one is filled`, {
        difference,
      })
    return datapath
  } catch (error) {
    if (error instanceof RangeError)
      throw new StartRefused(`a file in ${objectDir} is not a compiled program: ${error.message}; compile them: npm run build`, {
        cause: error,
      })
    if (!(error instanceof LoadError)) throw error
    log.debug('the verifier refused a program', { object: error.object, log: error.log })
    throw new StartRefused(
      `the programs in ${objectDir} do not load, so the old ones go on: ${error.message}; start the old version, or see more with --log-level=debug`,
      { cause: error },
    )
  }
}

/** After a boot tables are new, and the journal may have more entries than their default sizes. */
const tooSmall = (cause: TableFull): StartRefused => {
  const { table, maxEntries } = cause
  const why = `the entries of the journal do not fit into table ${table}, which has room for ${maxEntries}`
  return new StartRefused(`${why}; ask for more by ${optionOf(table)}`, { cause })
}

/** Errors with a message for people: they are not bugs of ours. */
const isExplained = (error: unknown): error is Error =>
  error instanceof JournalUnusable || error instanceof KernelError || error instanceof TableHoldsMore
