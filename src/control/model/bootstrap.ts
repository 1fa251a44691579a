/** The first start: one principal who may do everything, and its token in a file that root alone can read. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { absent, put, type Store } from '../store/store.ts'
import { nameKey, objectKey } from './keys.ts'
import type { ObjectRecord, Spec } from './record.ts'
import { makeToken } from './token.ts'
import { uuidV7 } from './uuid.ts'

/** Written once: its absence says that nobody has ever started here. */
const firstKey = 'meta/first'
const yearMs = 365 * 86_400_000

/**
 * Make the first admin, unless there was one. The token's file is written first: a crash leaves a file with a token
 * that does not work, and the next start writes another. Gives whether this was the first start.
 */
export async function bootstrap(store: Store, tokenFile: string, now = Date.now()): Promise<boolean> {
  const { entries } = await store.get([firstKey])
  if (entries[0] !== undefined) return false
  const [principal, binding, token] = [uuidV7(now), uuidV7(now), uuidV7(now)]
  const { text, hash } = makeToken(token)
  const stamp = { time: new Date(now).toISOString(), by: principal, request: uuidV7(now) }
  const record = (kind: string, id: string, name: string | null, spec: Spec): ObjectRecord => ({
    v: 1,
    id,
    kind,
    name,
    description: 'made at the first start',
    labels: {},
    protected: false,
    org: null,
    account: null,
    vpc: null,
    generation: 1,
    created: stamp,
    updated: stamp,
    spec,
  })
  const records = [
    record('principal', principal, 'admin', { disabled: false }),
    record('role-binding', binding, null, { principal, role: 'admin' }),
    { ...record('token', token, null, { principal, expires: new Date(now + yearMs).toISOString() }), hash },
  ]
  writeSecret(tokenFile, `${text}\n`)
  const result = await store.commit({
    if: [absent(firstKey)],
    write: [
      put(firstKey, JSON.stringify(stamp)),
      put(nameKey(null, 'principal', 'admin'), principal),
      ...records.map((each) => put(objectKey(each.kind, each.id), JSON.stringify(each))),
    ],
  })
  // Another API was quicker: its file has the token.
  if (!result.ok) rmSync(tokenFile, { force: true })
  return result.ok
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
