/**
 * A user of its own for each machine's QEMU, so that a guest that breaks out of its QEMU reaches no other: not its
 * memory, not its descriptors.
 *
 * Uids belong to the whole computer, so all instances of vpc share one directory of claims: a file named by the uid,
 * with the machine's path in it. It lies below /run: after a boot no QEMU runs, and each machine claims anew at its
 * next start.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '#launch/directory.ts'
import { lockFileSoon } from '#launch/lock.ts'
import { findAccount, type Account } from '#system/accounts.ts'
import type { VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'

/** Uids that neither distributions nor systemd nor container engines assign. */
export const uidRange = { least: 1_900_000_000, count: 65_536 } as const

const defaultClaims = '/run/vpc-vm-uids'

/** The directory of claims: VPC_VM_UID_DIR, else that of the whole computer. */
const claimsDirectory = (): string => process.env['VPC_VM_UID_DIR'] ?? defaultClaims

/**
 * The user of a machine, claimed if it has none yet. Its group has the same number. Throws VmError ENOSPC when all
 * numbers are taken, and LaunchError when the directory of claims cannot be used.
 */
export function claimUser(directory: VmDirectory): Account {
  const claims = claimsDirectory()
  makeDirectory(claims)
  using _lock = lockFileSoon(join(claims, 'lock'), `${claims} is in use`)
  const uid = ownUid(claims, directory.path) ?? freeUid(claims, directory.id)
  writeFileSync(join(claims, String(uid)), directory.path, { mode: 0o600 })
  return { name: String(uid), uid, gid: uid }
}

/** Release the user of a machine. A machine without a claim is fine. */
export function releaseUser({ path }: VmDirectory): void {
  const claims = claimsDirectory()
  if (!existsSync(claims)) return
  using _lock = lockFileSoon(join(claims, 'lock'), `${claims} is in use`)
  const uid = ownUid(claims, path)
  if (uid !== undefined) rmSync(join(claims, String(uid)), { force: true })
}

/** The uid that this machine has claimed; undefined when it has none. */
const ownUid = (claims: string, path: string): number | undefined =>
  readdirSync(claims)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((uid) => claimOf(claims, uid) === path)

function claimOf(claims: string, uid: number): string | undefined {
  try {
    return readFileSync(join(claims, String(uid)), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A machine's id says where the search begins, so that a machine usually has the same uid after a boot. */
function freeUid(claims: string, id: string): number {
  const { least, count } = uidRange
  const first = Number.parseInt(id.slice(-8), 16)
  for (let i = 0; i < count; i++) {
    const uid = least + ((first + i) % count)
    if (isFree(claims, uid)) return uid
  }
  const way = `destroy machines, or name a user: vpc vm create --user`
  throw new VmError('ENOSPC', `all ${count} users from ${least} on belong to machines, by ${claims}; ${way}`)
}

/** Free: no account has the uid, no existing machine has claimed it, and no process still runs as it. */
function isFree(claims: string, uid: number): boolean {
  if (findAccount(String(uid)) !== undefined) return false
  const owner = claimOf(claims, uid)
  if (owner === undefined) return true
  return !existsSync(join(owner, 'vm.json')) && !hasProcess(uid)
}

const hasProcess = (uid: number): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid)
