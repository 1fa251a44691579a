/** The user that a started program runs as. */
import { readFileSync } from 'node:fs'
import { LaunchError } from './launch-error.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const lines = (path: string): string[][] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))

/** A user of /etc/passwd, by name or number. Throws LaunchError. */
export function accountOf(nameOrUid: string): Account {
  const found = findAccount(nameOrUid)
  if (found !== undefined) return found
  throw new LaunchError(`there is no user '${nameOrUid}'; make one with \`useradd --system ${nameOrUid}\`, or name another`, 'ENOENT')
}

/** A user of /etc/passwd, by name or number; undefined when there is none. */
export function findAccount(nameOrUid: string): Account | undefined {
  const fields = lines('/etc/passwd').find(([name, , uid]) => name === nameOrUid || uid === nameOrUid)
  return fields && { name: fields[0]!, uid: Number(fields[2]), gid: Number(fields[3]) }
}

/** The number of a group of /etc/group; undefined when there is none. */
export function groupOf(name: string): number | undefined {
  const fields = lines('/etc/group').find(([group]) => group === name)
  return fields && Number(fields[2])
}
