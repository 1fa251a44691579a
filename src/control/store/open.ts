/** Opens a store where it is, and loads only the driver that it needs. */
import type { StoreLocation } from './location.ts'
import type { Store } from './store.ts'

export interface OpenOptions {
  /** How long to try in all when no member of etcd answers. */
  readonly callMs?: number
}

/** Open a store. Throws StoreError. */
export async function openStore(location: StoreLocation, options: OpenOptions = {}): Promise<Store> {
  switch (location.kind) {
    case 'sqlite': {
      const { openSqliteStore } = await import('./sqlite/sqlite-store.ts')
      return openSqliteStore(location.path)
    }
    case 'etcd': {
      const { openEtcdStore } = await import('./etcd/etcd-store.ts')
      return openEtcdStore(location, options)
    }
  }
}
