/** The user that a started program runs as. */
import { findAccount, type Account } from '#system/accounts.ts'
import { LaunchError } from './launch-error.ts'

/** A user of /etc/passwd, by name or number. Throws LaunchError. */
export function accountOf(nameOrUid: string): Account {
  const found = findAccount(nameOrUid)
  if (found !== undefined) return found
  throw new LaunchError(`there is no user '${nameOrUid}'; make one with \`useradd --system ${nameOrUid}\`, or name another`, 'ENOENT')
}
