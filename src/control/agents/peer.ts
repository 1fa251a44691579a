/** Which host stands at the other end of a connection: its certificate says so, and the model says whether it may. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { isId } from '#resource/envelope.ts'
import { hostUri, pinOf } from '#feed/join.ts'
import type { Objects } from '../model/objects.ts'
import { Problem } from '../model/problem.ts'

export interface Peer {
  /** Id of the host. */
  readonly host: string
  /** Pin of its public key. */
  readonly key: string
  /** When its certificate ends, in ms. */
  readonly notAfter: number
}

const prefix = `URI:${hostUri('')}`

/** Peers of connections: TLS 1.3 changes no certificate later, and to read one costs more than a report. */
const known = new WeakMap<TLSSocket, Peer>()

/** Who the certificate of a connection stands for. Throws a Problem. `objectionTo` says whether it may connect. */
export function peerOf(socket: TLSSocket, now: number): Peer {
  const peer = known.get(socket)
  if (peer !== undefined && peer.notAfter > now) return peer
  const read = readPeer(socket, now)
  known.set(socket, read)
  return read
}

function readPeer(socket: TLSSocket, now: number): Peer {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new Problem('unauthenticated', 'connect with the certificate that vpc join got')
  const notAfter = certificate.validToDate.getTime()
  // A connection that was resumed, or is long open, may have a certificate that has ended since.
  if (notAfter <= now || String(socket.authorizationError) === 'CERT_HAS_EXPIRED')
    throw new Problem('unauthenticated', `the certificate ended at ${certificate.validToDate.toISOString()}; this host must join again`)
  if (!socket.authorized) throw new Problem('unauthenticated', 'the CA of this cloud has not signed the certificate')
  const host = hostIn(certificate)
  if (host === undefined) throw new Problem('unauthenticated', 'the certificate is not one of a host')
  return { host, key: pinOf(certificate.publicKey.export({ type: 'spki', format: 'der' })), notAfter }
}

function hostIn({ subjectAltName }: X509Certificate): string | undefined {
  if (subjectAltName === undefined || !subjectAltName.startsWith(prefix)) return undefined
  const id = subjectAltName.slice(prefix.length)
  return isId(id) ? id : undefined
}

/** Why a host may not connect with this key; undefined when it may. */
export function objectionTo(objects: Objects, { host, key }: Peer): string | undefined {
  const record = objects.get('host', host)?.record
  if (record === undefined) return 'this host has been removed from the cloud'
  if (record.spec.disabled === true) return 'this host is disabled; an operator of the cloud can enable it'
  return record.agent?.key === key ? undefined : 'this host has joined again with another key'
}
