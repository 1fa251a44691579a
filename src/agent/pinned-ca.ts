/** Fetches the CA of an API that nobody trusts yet, and trusts it only if its key has the pin of the join token. */
import type { DetailedPeerCertificate } from 'node:tls'
import { connect, type TLSSocket } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { apiServerName, pinOf } from '#feed/join.ts'

const timeoutMs = 10_000

/** Why this machine cannot join: what stood against it, and what to do. Nothing was changed. */
export class JoinRefused extends Error {}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Pinned {
  /** PEM of the CA. */
  readonly ca: string
  /** The address of this machine that the connection came from. */
  readonly local: string
}

/** Connect, take the CA's certificate from the handshake, and check its pin. Nothing is sent. Throws JoinRefused. */
export async function fetchCa(address: Address, pin: string, now: number): Promise<Pinned> {
  const socket = await handshake(address)
  const local = socket.localAddress ?? ''
  const [own, ...signers] = chainOf(socket.getPeerCertificate(true))
  socket.destroy()
  const name = `${address.host} port ${address.port}`
  const ca = signers.find(({ publicKey }) => pinOf(publicKey.export({ type: 'spki', format: 'der' })) === pin)
  if (ca === undefined || own === undefined)
    throw new JoinRefused(
      `${name} is not of the cloud that the token is for: its CA has another key. Check --server; if it is right, somebody stands ` +
        'between. Nothing was sent',
    )
  checkClock(own, now, name)
  return { ca: ca.toString(), local }
}

function chainOf(certificate: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let each = certificate; each?.raw !== undefined; each = each.issuerCertificate) {
    chain.push(new X509Certificate(each.raw))
    if (each === each.issuerCertificate || chain.length === 5) break
  }
  return chain
}

function handshake({ host, port }: Address): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  // Whom it speaks to is found out by the pin; the next connection trusts that CA alone.
  const socket = connect({ host, port, servername: apiServerName, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
  socket.setTimeout(timeoutMs, () => socket.destroy(Object.assign(new Error('it did not answer'), { code: 'ETIMEDOUT' })))
  socket.once('secureConnect', () => resolve(socket))
  socket.once('error', (error) => reject(new JoinRefused(unreachable(host, port, error))))
  socket.once('close', () => reject(new JoinRefused(unreachable(host, port, new Error('it closed the connection')))))
  return promise
}

function unreachable(host: string, port: number, error: NodeJS.ErrnoException): string {
  const isTls = /SSL|TLS|EPROTO|closed the connection|ECONNRESET/.test(`${error.code} ${error.message}`)
  return isTls
    ? `${host} port ${port} does not speak TLS 1.3: is it the port for agents (--agent-listen of vpc api), and not the one for users?`
    : `cannot reach the API at ${host} port ${port}: ${error.code ?? error.message}; does vpc api run there with --agent-listen, and does a firewall let it pass?`
}

function checkClock({ validFromDate, validToDate }: X509Certificate, now: number, name: string): void {
  if (validFromDate.getTime() <= now && now < validToDate.getTime()) return
  const [from, to, here] = [validFromDate, validToDate, new Date(now)].map((each) => each.toISOString())
  throw new JoinRefused(
    `the clock of this machine says ${here}, and the certificate of ${name} is good from ${from} to ${to}; set the clock`,
  )
}
