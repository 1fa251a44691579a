/** Users and groups of this machine, as /etc/passwd and /etc/group have them. */
import { readFileSync } from 'node:fs'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const lines = (path: string): string[][] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))

/** A user by name or number; undefined when there is none. */
export function findAccount(nameOrUid: string): Account | undefined {
  const fields = lines('/etc/passwd').find(([name, , uid]) => name === nameOrUid || uid === nameOrUid)
  return fields && { name: fields[0]!, uid: Number(fields[2]), gid: Number(fields[3]) }
}

/** The number of a group by its name; undefined when there is none. */
export function groupOf(name: string): number | undefined {
  const fields = lines('/etc/group').find(([group]) => group === name)
  return fields && Number(fields[2])
}

/** A number as it stands, whether somebody has it or not. */
const plainNumber = (text: string): number | undefined => (/^\d{1,10}$/.test(text) && Number(text) <= 0xfffffffe ? Number(text) : undefined)

/** The uid of a user by its name, or the number itself. */
export const userId = (nameOrNumber: string): number | undefined => plainNumber(nameOrNumber) ?? findAccount(nameOrNumber)?.uid

/** The gid of a group by its name, or the number itself. */
export const groupId = (nameOrNumber: string): number | undefined => plainNumber(nameOrNumber) ?? groupOf(nameOrNumber)
