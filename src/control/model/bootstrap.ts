/** The first start: one principal who may do everything, and its token in a file that root alone can read. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { absent, at, put, type Store } from '../store/store.ts'
import { isFleet } from './caller.ts'
import { nameKey, objectKey } from './keys.ts'
import { Objects } from './objects.ts'
import type { GoneRecord, ObjectRecord, Spec } from './record.ts'
import { callerById, makeToken } from './token.ts'
import { uuidV7 } from './uuid.ts'

/** Written by each first admin: of two APIs that find nobody, one makes one. */
const firstKey = 'meta/first'
const yearMs = 365 * 86_400_000

/**
 * Make an admin, unless there is one: at the first start, and when nobody is left who may do everything, such as after
 * the last such token has ended. Whoever can write the store may do everything anyway. The token's file is written
 * first: a crash leaves a file with a token that does not work, and the next start writes another. Gives whether it
 * made one.
 */
export async function bootstrap(store: Store, tokenFile: string, now = Date.now()): Promise<boolean> {
  const { entries } = await store.get([firstKey])
  const objects = await accessObjects(store)
  if (entries[0] !== undefined && hasAdmin(objects, now)) return false
  const [principal, binding, token] = [uuidV7(now), uuidV7(now), uuidV7(now)]
  const { text, hash } = makeToken(token)
  const stamp = { time: new Date(now).toISOString(), by: principal, request: uuidV7(now) }
  const isTaken = objects.named('principal', 'admin').some(({ record }) => record.account === null)
  const name = isTaken ? `admin-${principal.slice(-8)}` : 'admin'
  const common = { description: 'made by the API at its start', labels: {}, protected: false, org: null, account: null, vpc: null }
  const record = (kind: string, id: string, spec: Spec): ObjectRecord => ({
    v: 1,
    id,
    kind,
    name: kind === 'principal' ? name : null,
    ...common,
    generation: 1,
    created: stamp,
    updated: stamp,
    spec,
  })
  const records = [
    record('principal', principal, { disabled: false }),
    record('role-binding', binding, { principal, role: 'admin' }),
    { ...record('token', token, { principal, expires: new Date(now + yearMs).toISOString() }), hash },
  ]
  writeSecret(tokenFile, `${text}\n`)
  const nameOfIt = nameKey(null, 'principal', name)
  const result = await store.commit({
    if: [entries[0] === undefined ? absent(firstKey) : at(firstKey, entries[0].modified), absent(nameOfIt)],
    write: [
      put(firstKey, JSON.stringify(stamp)),
      put(nameOfIt, principal),
      ...records.map((each) => put(objectKey(each.kind, each.id), JSON.stringify(each))),
    ],
  })
  // Another API was quicker: its file has the token.
  if (!result.ok) rmSync(tokenFile, { force: true })
  return result.ok
}

/** What says who may do what. */
async function accessObjects(store: Store): Promise<Objects> {
  const objects = new Objects()
  for (const kind of ['principal', 'role-binding', 'token']) {
    const { entries } = await store.range(`o/${kind}/`)
    for (const { value, modified } of entries) {
      const record = JSON.parse(value) as ObjectRecord | GoneRecord
      if (!('gone' in record)) objects.set(kind, record.id, { record, modified })
    }
  }
  return objects
}

/** Is there a token of somebody who may do everything? */
function hasAdmin(objects: Objects, now: number): boolean {
  for (const id of objects.ids('token')) {
    const caller = callerById(objects, id, '', now)
    if (caller !== undefined && isFleet(caller, ['admin'])) return true
  }
  return false
}

function writeSecret(path: string, text: string): void {
  rmSync(path, { force: true })
  // Not through a link that somebody else put there.
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
