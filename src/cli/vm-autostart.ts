/** `vpc vm run --autostart`: starts all machines that start with their host. */
import { isUnreceived, runVm } from '#vm/life.ts'
import { allVms, type VmDirectory } from '#vm/vm-directory.ts'
import type { Context } from './command.ts'
import { Failure } from './failure.ts'
import { alreadySo, done } from './outcome.ts'
import { failureOf } from './report.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { viewVm } from './vm-view.ts'

interface Starting extends Pick<Context, 'output' | 'vpc'> {
  /** How long to wait for the ports of a machine. */
  readonly timeoutMs: number
}

/**
 * Start them, one after the other. A machine that does not start keeps no other from it, and fails the command at the
 * end.
 */
export async function runAutostarted(base: string, { output, vpc, timeoutMs }: Starting): Promise<void> {
  const [started, failed, vms]: [string[], string[], unknown[]] = [[], [], []]
  for (const directory of allVms(base)) {
    let called = directory.id
    try {
      const { autostart, name } = await tellingVmErrors(() => directory.definition())
      if (!autostart) continue
      called = name ?? called
      if (isUnreceived(directory)) {
        progress(`machine ${called} stays off: its guest has not come whole from its other host; repeat vpc vm migrate there`)
        continue
      }
      const { changed } = await start(directory, { output, vpc, timeoutMs })
      if (changed) started.push(called)
      vms.push(await viewVm(directory))
    } catch (error) {
      progress(`machine ${called} does not start: ${failureOf(error).message}`)
      failed.push(called)
    }
  }
  if (failed.length > 0)
    throw new Failure('failed', `${failed.length} of ${failed.length + vms.length} machines did not start: ${failed.join(', ')}`)
  if (started.length > 0) return done(output, `started machines: ${started.join(', ')}`, { vms })
  alreadySo(output, vms.length > 0 ? 'all that start with this host run' : 'no machine starts with this host', { vms })
}

const start = (directory: VmDirectory, { vpc, timeoutMs }: Starting): ReturnType<typeof runVm> =>
  tellingVmErrors(() => runVm(directory, vpc, { timeoutMs, progress }))
