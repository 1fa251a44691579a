/** The credentials of a thread: those that the kernel would look at if it answered the thread's system call itself. */
import { readFileSync } from 'node:fs'

/** Effective ids, as this process's user namespace numbers them. */
export interface ThreadCredentials {
  /** The process that the thread is of. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

/** The credentials of a thread. Throws ENOENT or ESRCH when it is gone. */
export const threadCredentials = (tid: number): ThreadCredentials => credentialsIn(readFileSync(`/proc/${tid}/status`, 'latin1'))

/** The credentials in the text of a /proc/TID/status. Throws when they are not there: nobody is let in on a guess. */
export function credentialsIn(status: string): ThreadCredentials {
  const numbers = (name: string): number[] => {
    // A process may name itself as it likes in the first line, where line ends are escaped.
    const line = new RegExp(`^${name}:([\\d\\s]*?)$`, 'm').exec(status)
    if (line === null) throw new Error(`the credentials of a thread cannot be read: its status has no ${name}`)
    return line[1]!
      .trim()
      .split(/\s+/)
      .filter((text) => text !== '')
      .map(Number)
  }
  const [pid] = numbers('Tgid')
  const [, uid] = numbers('Uid')
  const [, gid] = numbers('Gid')
  if (pid === undefined || uid === undefined || gid === undefined) throw new Error('the credentials of a thread cannot be read')
  return { pid, uid, gid, groups: numbers('Groups') }
}
