/**
 * How a machine becomes a host, before it has a feed: the join token, and what goes over `POST /agent/v1/join` and
 * `POST /agent/v1/renew`. Both ends and the command share this file.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'

export const joinPath = '/agent/v1/join'
export const renewPath = '/agent/v1/renew'

/** How long certificates of hosts and of the API are good after they were made. They are renewed at half of it. */
export const leafLifeMs = 7 * 86_400_000

/** The name in the API's certificate for agents. An agent asks for it whatever the address is that it connects to. */
export const apiServerName = 'api.vpc.internal'

/** Where a host that has joined keeps who it is: src/agent/identity-file.ts reads and writes it. */
export const identityFile = (stateDir: string): string => join(stateDir, 'identity.json')

/** Where an API listens for agents unless it is told otherwise. */
export const defaultAgentPort = 7474

/** What `vpc host create` prints: `vpcjoin1.<id>.<secret>.<pin>`. */
export interface JoinToken {
  /** 16 hexadecimal digits. */
  readonly id: string
  /** 32 bytes, base64url. */
  readonly secret: string
  /** SHA-256 of the public key of the cloud's CA, base64url: the machine trusts no other. */
  readonly pin: string
}

const tokenPattern = /^vpcjoin1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/

/** Read a join token. Undefined: it is none. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const [, id, secret, pin] = tokenPattern.exec(text.trim()) ?? []
  return id === undefined ? undefined : { id, secret: secret!, pin: pin! }
}

export const formatJoinToken = ({ id, secret, pin }: JoinToken): string => `vpcjoin1.${id}.${secret}.${pin}`

/** The pin of a public key in DER form (SubjectPublicKeyInfo). */
export const pinOf = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('base64url')

/** What a host's certificate says that it is. */
export const hostUri = (host: string): string => `vpc://host/${host}`

/** Body of `POST /agent/v1/join`, which needs no certificate. */
export interface JoinRequest {
  readonly token: string
  /** SubjectPublicKeyInfo in PEM form, P-256. */
  readonly publicKey: string
  /** Where other hosts reach this one; used when the host has no address yet. */
  readonly underlay: { readonly address: string; readonly port: number } | null
  readonly agent: string
}

/** Answer of join and of renew. The certificate is for the public key that the host gave at its join. */
export interface HostCertificate {
  readonly host: string
  readonly name: string
  /** PEM. */
  readonly certificate: string
  /** PEM: the CA's certificate. */
  readonly ca: string
}
