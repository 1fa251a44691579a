/**
 * The directories of the API and of the issuer below the state directory: each belongs to the user of its process. What
 * root's processes kept in the state directory itself moves there. Links stay in the old places, for people.
 */
import { closeSync, constants, existsSync, fstatSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { readdirSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ownUsers } from '#abi/own-users.ts'
import { Failure } from '../failure.ts'
import { own } from './owner.ts'
import type { Places } from './places.ts'

/** What each has; the SQLite store is several files, of which only the first has a link. */
const ofApi = ['control.db', 'control.db-wal', 'control.db-shm', 'control.db-lock', 'admin-token', 'audit'] as const
const ofIssuer = ['ca'] as const
const linked: readonly string[] = ['control.db', 'admin-token', 'audit', 'ca']

/** Names below the state directory that are the API's and the issuer's. */
export const controlNames: readonly string[] = [...ofApi, ...ofIssuer, 'api', 'issuer']

export const apiDir = ({ stateDir }: Places): string => join(stateDir, 'api')
export const issuerDir = ({ stateDir }: Places): string => join(stateDir, 'issuer')

/** Whether this machine has a cloud of its own. The package makes an empty store on each; with etcd the token tells. */
export const hasOwnCloud = (places: Places): boolean =>
  [join(places.stateDir, 'control.db'), ...['control.db', 'admin-token'].map((name) => join(apiDir(places), name))].some(
    (path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0,
  )

/** Make the directories, and hand over what is there. Nothing may run in them. */
export function prepareControl(places: Places): void {
  const { stateDir } = places
  const [api, issuer] = [apiDir(places), issuerDir(places)]
  for (const each of [api, issuer]) mkdirSync(each, { recursive: true, mode: 0o700 })
  move(stateDir, api, ofApi)
  move(stateDir, issuer, ofIssuer)
  linkControl(places)
  // SQLite gives its other files the mode of the first, and the directory gives them its group: the issuer may read.
  closeSync(openSync(join(api, 'control.db'), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o640))
  handOver(api, ownUsers.api, ownUsers.issuer)
  handOver(issuer, ownUsers.issuer, ownUsers.api)
}

/** The links in the old places, where there is nothing. */
export function linkControl(places: Places): void {
  link(places.stateDir, apiDir(places), ofApi)
  link(places.stateDir, issuerDir(places), ofIssuer)
}

/** Rename is all or nothing: a start that was cut off goes on here. */
function move(from: string, to: string, names: readonly string[]): void {
  for (const name of names) {
    const found = lstatSync(join(from, name), { throwIfNoEntry: false })
    if (found !== undefined && !found.isSymbolicLink()) renameSync(join(from, name), join(to, name))
  }
}

function link(from: string, to: string, names: readonly string[]): void {
  for (const name of names.filter((each) => linked.includes(each)))
    if (lstatSync(join(from, name), { throwIfNoEntry: false }) === undefined) symlinkSync(join(to, name), join(from, name))
}

/** The directory and all in it belongs to a user; a group may reach the first level, and read the store. */
function handOver(directory: string, uid: number, gid: number): void {
  own(directory, uid, gid, 0o2750)
  for (const { parentPath, name } of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(parentPath, name)
    const found = lstatSync(path)
    if (found.isDirectory()) own(path, uid, uid, 0o700)
    else if (found.isFile() && name.startsWith('control.db') && parentPath === directory) own(path, uid, gid, 0o640)
    else if (found.isFile()) own(path, uid, uid, found.mode & 0o700)
  }
}

/** The token of the first principal. The API's user may have put anything there: no link is followed. */
export function readAdminToken(places: Places): string {
  const path = join(existsSync(apiDir(places)) ? apiDir(places) : places.stateDir, 'admin-token')
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = fstatSync(file)
    if (!found.isFile() || found.nlink !== 1) throw new Failure('failed', `${path} is not a file of its own; remove it, and repeat`)
    return readFileSync(file, 'utf8').trim()
  } finally {
    closeSync(file)
  }
}
