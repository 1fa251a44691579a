/** Opens the store of the control plane for a command; loads the driver only then. */
import { existsSync } from 'node:fs'
import { defaultStore, defaultStoreOfUnits, parseStoreLocation, type StoreLocation } from '#control/store/location.ts'
import type { Reader } from '#control/store/reader.ts'
import type { Store } from '#control/store/store.ts'
import type { StoreErrorCode } from '#control/store/store-error.ts'
import { Failure, usageFailure, type FailureKind } from './failure.ts'
import { valueOption, type Option } from './option.ts'

/** Where the store is. */
export const storeOption: Option<StoreLocation | undefined> = valueOption(
  'the store: sqlite:PATH, or etcd://HOST:PORT,…?ca=FILE&cert=FILE&key=FILE',
  {
    placeholder: 'STORE',
    parse: parseStoreLocation,
  },
).defaultsTo(`VPC_STORE, else ${defaultStore}, else that of the units in api/`)

/** Open a store that there is, do something with it, and close it. Its errors become failures. */
export async function withStore<T>(given: StoreLocation | undefined, run: (store: Store) => Promise<T>): Promise<T> {
  return withOpen(() => open(existing(given)), run)
}

/** Read a store that there is, also while an API has it. Its errors become failures. */
export async function withReader<T>(given: StoreLocation | undefined, run: (reader: Reader) => Promise<T>): Promise<T> {
  const { openReader } = await import('#control/store/reader.ts')
  return withOpen(() => openReader(existing(given), options), run)
}

/** Open a store, or make it when there is none, do something with it, and close it. */
export async function withNewStore<T>(given: StoreLocation | undefined, run: (store: Store) => Promise<T>): Promise<T> {
  return withOpen(() => open(given ?? fromEnvironment()), run)
}

const options = { callMs: 3000 }

async function open(where: StoreLocation): Promise<Store> {
  const { openStore } = await import('#control/store/open.ts')
  return openStore(where, options)
}

function existing(given: StoreLocation | undefined): StoreLocation {
  const where = given ?? fromEnvironment()
  if (where.kind === 'sqlite' && !existsSync(where.path))
    throw new Failure('failed', `there is no store ${where.path}; vpc db migrate and vpc db import make one, or name another: --store`)
  return where
}

function withOpen<S extends AsyncDisposable, T>(opening: () => Promise<S>, run: (store: S) => Promise<T>): Promise<T> {
  return withFailures(async () => {
    await using store = await opening()
    return await run(store)
  })
}

/** Do something. The errors of a store become failures. */
export async function withFailures<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw await failureOf(error)
  }
}

/** The store that VPC_STORE names, or none. */
export function storeOfEnvironment(): StoreLocation | undefined {
  return process.env['VPC_STORE'] ? fromEnvironment() : undefined
}

function fromEnvironment(): StoreLocation {
  const location = parseStoreLocation(process.env['VPC_STORE'] ?? usualStore())
  if (!location.ok) throw usageFailure(`VPC_STORE: ${location.problem}`)
  return location.value
}

/** `vpc up` has a link there, and the package's units have none. */
function usualStore(): string {
  const isThere = (store: string): boolean => existsSync(store.slice('sqlite:'.length))
  return !isThere(defaultStore) && isThere(defaultStoreOfUnits) ? defaultStoreOfUnits : defaultStore
}

const kinds: Readonly<Partial<Record<StoreErrorCode, FailureKind>>> = {
  away: 'unreachable',
  denied: 'denied',
  locked: 'conflict',
  'not-empty': 'conflict',
}

async function failureOf(error: unknown): Promise<unknown> {
  const { StoreError } = await import('#control/store/store-error.ts')
  if (!(error instanceof StoreError)) return error
  return new Failure(kinds[error.code] ?? 'failed', error.message, { code: error.code })
}

/** Say on a terminal how many keys there have been. */
export function progressOn(
  stream: NodeJS.WriteStream,
  isQuiet: boolean,
): { readonly say: (count: number) => void; readonly end: () => void } {
  const isShown = stream.isTTY && !isQuiet
  let said = 0
  return {
    say(count) {
      const now = performance.now()
      if (!isShown || now - said < 200) return
      said = now
      stream.write(`\r${count} keys`)
    },
    end: () => void (isShown && said > 0 && stream.write('\r\u001b[K')),
  }
}
