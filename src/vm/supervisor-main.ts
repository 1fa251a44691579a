/**
 * The supervisor as a program: `supervisor-main.ts start|adopt DIRECTORY`. It reports on descriptor 3, in a line of
 * JSON, whether the guest runs.
 */
import { closeSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { lockFile } from '#launch/lock.ts'
import { answerOf } from './control.ts'
import { Supervisor } from './supervisor.ts'
import { VmDirectory } from './vm-directory.ts'

/** Time to power off for a guest whose supervisor gets SIGTERM, as at a shutdown of the host. */
const farewellMs = 10_000

function report(value: unknown): void {
  try {
    writeSync(3, `${JSON.stringify(value)}\n`)
    closeSync(3)
  } catch {
    // The starting command waits no more; the state file says it too.
  }
}

// The log may lie on a full disk. An error that cannot be written there must not end the process.
process.stderr.on('error', () => {})
const [mode, path] = process.argv.slice(2) as [string, string]
const directory = new VmDirectory(dirname(path), basename(path))
try {
  using _lock = lockFile(directory.lockFile, `machine ${directory.id} has a supervisor already`)
  const supervisor = mode === 'adopt' ? await Supervisor.adopt(directory) : await Supervisor.start(directory)
  report({ state: directory.state() })
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void supervisor.stop(farewellMs, false))
  await supervisor.closed
} catch (error) {
  report(answerOf(error))
  console.error(error)
  process.exitCode = 1
}
process.exit()
