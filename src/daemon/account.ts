/** Users and groups of this host by name. */
import { readFileSync } from 'node:fs'

function numberIn(file: string, name: string): number | undefined {
  if (/^\d{1,10}$/.test(name)) return Number(name) <= 0xfffffffe ? Number(name) : undefined
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [found, , number] = line.split(':')
    if (found === name && number !== undefined) return Number(number)
  }
  return undefined
}

/** The uid of a user of /etc/passwd, or the number itself. */
export const userId = (nameOrNumber: string): number | undefined => numberIn('/etc/passwd', nameOrNumber)

/** The gid of a group of /etc/group, or the number itself. */
export const groupId = (nameOrNumber: string): number | undefined => numberIn('/etc/group', nameOrNumber)
