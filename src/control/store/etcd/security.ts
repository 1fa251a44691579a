/** TLS to the members of etcd: our certificate, and who a member must prove to be. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js'
import type { Credentials } from '../location.ts'
import { StoreError } from '../store-error.ts'

export interface Security {
  readonly credentials: ChannelCredentials
  readonly options: ChannelOptions
}

export type Secrets = Readonly<Record<keyof Credentials, Buffer>>

/** Read the files. Throws StoreError. */
export function readSecrets(files: Credentials): Secrets {
  try {
    return { ca: readFileSync(files.ca), cert: readFileSync(files.cert), key: readFileSync(files.key) }
  } catch (error) {
    throw new StoreError('denied', `cannot read a file with the certificates for etcd: ${(error as Error).message}`, { cause: error })
  }
}

/** How to speak to a member. Its certificate must have the host or the address of the endpoint. */
export function securityOf(endpoint: string, secrets: Secrets | undefined): Security {
  if (secrets === undefined) return { credentials: credentials.createInsecure(), options: {} }
  const host = endpoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const secure = credentials.createSsl(secrets.ca, secrets.key, secrets.cert, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  })
  // TLS has names of hosts only, and Node refuses to send an address as one. etcd does not read the name.
  return { credentials: secure, options: isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'etcd' } }
}
