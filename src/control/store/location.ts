/** Where a store is, as people write it: `sqlite:PATH`, or `etcd://HOST:PORT,HOST:PORT?prefix=/vpc1/`. */
import { failure, success, type Result } from '#wire/result.ts'

/** Files in PEM. */
export interface Credentials {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'etcd'
      /** HOST:PORT. */
      readonly endpoints: readonly string[]
      readonly prefix: string
      /** Without them the way to etcd is open; for tests on loopback alone. */
      readonly credentials: Credentials | undefined
      /** Bytes that the members may have; without it, what etcd does by itself. */
      readonly quota?: number | undefined
    }

/** The store of a control plane on one machine. */
export const defaultStore = 'sqlite:/var/lib/vpc/control.db'
/** Where the package's units have it, for commands that find none there. */
export const defaultStoreOfUnits = 'sqlite:/var/lib/vpc/api/control.db'

export const defaultPrefix = '/vpc1/'
const defaultPort = 2379

/** Read the name of a store. */
export function parseStoreLocation(text: string): Result<StoreLocation> {
  const [, scheme, rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? []
  if (scheme === 'sqlite') return parseSqlite(rest)
  if (scheme === 'etcd') return parseEtcd(rest)
  return failure(`'${text}' is not a store; write sqlite:PATH or etcd://HOST:PORT,…?ca=FILE&cert=FILE&key=FILE`)
}

function parseSqlite(path: string): Result<StoreLocation> {
  return path.startsWith('/') && !path.endsWith('/')
    ? success({ kind: 'sqlite', path })
    : failure(`'${path}' is not a path of a file from the root; write sqlite:/var/lib/vpc/control.db`)
}

function parseEtcd(rest: string): Result<StoreLocation> {
  const [, hosts = '', query = ''] = /^\/\/([^/?]*)\/?(?:\?(.*))?$/s.exec(rest) ?? []
  const endpoints = hosts.split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${defaultPort}`))
  const wrong = endpoints.find((endpoint) => !/^([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}$/.test(endpoint))
  if (hosts === '' || wrong !== undefined) return failure(`'${hosts}' names no members of etcd; write etcd://HOST:PORT,HOST:PORT`)
  const given = new URLSearchParams(query)
  const unknown = [...given.keys()].find((name) => !['prefix', 'ca', 'cert', 'key', 'quota'].includes(name))
  if (unknown !== undefined) return failure(`an etcd store has no '${unknown}'; it has prefix, ca, cert, key and quota`)
  const prefix = given.get('prefix') ?? defaultPrefix
  if (!/^\/([!-~]+\/)?$/.test(prefix)) return failure(`'${prefix}' is not a prefix; it begins and ends with /, as ${defaultPrefix}`)
  const quota = given.get('quota') ?? undefined
  if (quota !== undefined && !/^[1-9]\d{5,14}$/.test(quota)) return failure(`quota: '${quota}' is not a number of bytes, as etcd has it`)
  const more = quota === undefined ? {} : { quota: Number(quota) }
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => given.get(name) ?? undefined)
  if (ca === undefined && cert === undefined && key === undefined)
    return success({ kind: 'etcd', endpoints, prefix, credentials: undefined, ...more })
  if (ca === undefined || cert === undefined || key === undefined)
    return failure('an etcd store needs all of ca, cert and key, or none: the files of the authority, of a certificate and of its key')
  return success({ kind: 'etcd', endpoints, prefix, credentials: { ca, cert, key }, ...more })
}

/** A store as people write it. */
export function formatStoreLocation(location: StoreLocation): string {
  if (location.kind === 'sqlite') return `sqlite:${location.path}`
  const { endpoints, prefix, credentials, quota } = location
  const words = new URLSearchParams({ prefix, ...credentials, ...(quota !== undefined && { quota: String(quota) }) })
  return `etcd://${endpoints.join(',')}?${words}`
}
