/** Programs that go on after whoever started them: in a session of their own, known by pid and start time. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { markProcess, type ProcessMark } from './process-mark.ts'

/** The command `vpc`, as a program for this Node. */
export const vpcProgram: readonly [string, string] = [process.execPath, fileURLToPath(new URL('../../bin/vpc.mjs', import.meta.url))]

/**
 * Start a program whose log goes to a descriptor; what it says to people at its start goes nowhere. `uid`: the user and
 * group that it runs as; default: the caller's. Undefined: it has ended already. Throws when it cannot be started.
 */
export async function startInBackground(words: readonly string[], log: number, uid?: number): Promise<ProcessMark | undefined> {
  const [file, ...args] = words as [string, ...string[]]
  const user = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn(file, args, { detached: true, stdio: ['ignore', 'ignore', log], cwd: '/', ...user })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve)
  child.once('error', reject)
  await promise
  child.unref()
  return markProcess(child.pid!)
}
