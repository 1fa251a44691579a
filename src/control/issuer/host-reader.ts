/** What the issuer reads of the store: hosts, and nothing else. It writes nothing there. */
import { objectKey } from '../model/keys.ts'
import type { GoneRecord, ObjectRecord } from '../model/record.ts'
import type { StoreLocation } from '../store/location.ts'

/** A function that gives what the store has of a host. */
export async function hostReader(location: StoreLocation): Promise<(id: string) => Promise<ObjectRecord | undefined>> {
  if (location.kind === 'etcd') {
    const { openEtcdStore } = await import('../store/etcd/etcd-store.ts')
    const store = openEtcdStore(location)
    return async (id) => recordIn((await store.get([objectKey('host', id)])).entries[0]?.value)
  }
  const { openSnapshot } = await import('../store/sqlite/snapshot.ts')
  // The API has the file: it is opened for each question, and only to be read.
  return async (id) => {
    const from = objectKey('host', id)
    await using snapshot = openSnapshot(location.path, { range: { from, to: `${from}\0` } })
    for await (const { value } of snapshot.entries) return recordIn(value)
    return undefined
  }
}

function recordIn(text: string | undefined): ObjectRecord | undefined {
  const value = text === undefined ? undefined : (JSON.parse(text) as ObjectRecord | GoneRecord)
  return value === undefined || 'gone' in value ? undefined : value
}
