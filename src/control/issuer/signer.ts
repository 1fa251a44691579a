/**
 * What the issuer's process signs: certificates for the port of the agents, and for hosts that a join token of the
 * store, or a good certificate, permits. It reads the store itself, and writes down each certificate before it gives it
 * away: so whoever has taken over the API cannot have others made, nor hide those that he had made.
 */
import { createHash, createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { apiServerName, hostUri, leafLifeMs, parseJoinToken, pinOf } from '#feed/join.ts'
import { isId } from '#resource/envelope.ts'
import type { ObjectRecord } from '../model/record.ts'
import { silentLog, type Log } from '#system/log.ts'
import type { Authority } from './authority.ts'
import { IssuerRefused } from './issuer.ts'

const hourMs = 3_600_000
/** Between the join of a machine and its certificate. */
const graceMs = 600_000
/** New keys of hosts: more than an operator brings up by hand. */
export const joinsPerHour = 200

const key = z.base64().max(400)
const requests = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('ca') }),
  z.strictObject({ op: z.literal('server'), key }),
  z.strictObject({ op: z.literal('join'), host: z.string().max(36), key, token: z.string().max(200) }),
  z.strictObject({ op: z.literal('renew'), host: z.string().max(36), key, certificate: z.string().max(8000) }),
])
export type SignRequest = z.infer<typeof requests>
type HostRequest = Extract<SignRequest, { op: 'join' | 'renew' }>

export interface SignAnswer {
  /** PEM: what was asked for, or the CA's. */
  readonly certificate: string
  readonly pin?: string
  readonly notAfter?: number
}

export interface SignerOptions {
  readonly authority: Authority
  /** What the store has of a host. */
  readonly hostOf: (id: string) => Promise<ObjectRecord | undefined>
  /** File with a line for each certificate. */
  readonly journal: string
  readonly log?: Pick<Log, 'info' | 'warn'>
  readonly now?: () => number
  /** Ms of a clock that never jumps. */
  readonly elapsed?: () => number
  readonly joinsPerHour?: number
}

export class Signer {
  readonly #options: Required<SignerOptions>
  #joins: number[] = []

  constructor(options: SignerOptions) {
    this.#options = { now: Date.now, elapsed: () => performance.now(), joinsPerHour, log: silentLog, ...options }
  }

  /** Answer a request. Throws IssuerRefused. */
  async answer(given: unknown): Promise<SignAnswer> {
    const parsed = requests.safeParse(given)
    if (!parsed.success) throw new IssuerRefused('the issuer does not know such a request')
    const { authority, now } = this.#options
    const request = parsed.data
    if (request.op === 'ca') return { certificate: authority.certificate, pin: authority.pin }
    const publicKey = publicKeyOf(request.key)
    if (request.op !== 'server') return this.#host(request, publicKey)
    const certificate = await authority.signServer(publicKey, now())
    this.#note({ server: apiServerName, key: pinOf(publicKey) })
    return { certificate, notAfter: now() + leafLifeMs }
  }

  async #host(request: HostRequest, publicKey: Uint8Array): Promise<SignAnswer> {
    const { authority, now, hostOf } = this.#options
    const { host } = request
    const record = isId(host) ? await hostOf(host) : undefined
    const key = pinOf(publicKey)
    const objection = this.#objection(request, record, key, publicKey)
    if (objection !== undefined) {
      this.#options.log.warn('signed no certificate of a host', { host: host.slice(0, 36), error: objection })
      throw new IssuerRefused(`the issuer signs no certificate of host ${host}: ${objection}`)
    }
    if (request.op === 'join') this.#countJoin()
    const certificate = await authority.issueHost(host, publicKey, now())
    this.#note({ host, key, by: request.op === 'join' ? `token ${parseJoinToken(request.token)!.id}` : 'renewal' })
    return { certificate }
  }

  #objection(request: HostRequest, record: ObjectRecord | undefined, key: string, publicKey: Uint8Array): string | undefined {
    if (record === undefined) return 'the store has no such host'
    if (record.spec.disabled === true) return 'it is disabled'
    if (record.agent?.key !== key) return 'it has joined with another key'
    return request.op === 'join' ? this.#tokenObjection(request.token, record, key) : this.#certificateObjection(request, publicKey)
  }

  /** The API has written the key to the token by now. */
  #tokenObjection(text: string, { join }: ObjectRecord, key: string): string | undefined {
    const token = parseJoinToken(text)
    if (token === undefined || join?.id !== token.id) return 'that is not its join token'
    const hash = createHash('sha256').update(token.secret).digest()
    if (!timingSafeEqual(Buffer.from(join.hash, 'hex'), hash)) return 'that is not its join token'
    if (join.used !== key) return 'its join token was used with another key'
    return join.expires + graceMs > this.#options.now() ? undefined : 'its join token has ended'
  }

  #certificateObjection({ host, certificate: pem }: Extract<HostRequest, { op: 'renew' }>, publicKey: Uint8Array): string | undefined {
    const { authority, now } = this.#options
    const certificate = read(pem)
    const ca = new X509Certificate(authority.certificate)
    if (certificate === undefined || !certificate.verify(ca.publicKey)) return 'the CA has not signed the certificate'
    if (certificate.subjectAltName !== `URI:${hostUri(host)}`) return 'the certificate is of another'
    if (!Buffer.from(certificate.publicKey.export({ type: 'spki', format: 'der' })).equals(publicKey))
      return 'the certificate has another key'
    const isGood = certificate.validFromDate.getTime() <= now() && certificate.validToDate.getTime() > now()
    return isGood ? undefined : 'the certificate has ended'
  }

  #countJoin(): void {
    const { elapsed, joinsPerHour: most } = this.#options
    this.#joins = this.#joins.filter((time) => time > elapsed() - hourMs)
    if (this.#joins.length >= most) throw new IssuerRefused(`the issuer signs ${most} new keys of hosts an hour at most; wait`)
    this.#joins.push(elapsed())
  }

  #note(what: object): void {
    const { journal, now } = this.#options
    const file = openSync(journal, 'a', 0o600)
    try {
      writeSync(file, `${JSON.stringify({ time: new Date(now()).toISOString(), ...what })}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    this.#options.log.info('signed a certificate', { ...what })
  }
}

function publicKeyOf(text: string): Uint8Array {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key.export({ type: 'spki', format: 'der' })
  } catch {
    // As below.
  }
  throw new IssuerRefused('that is not a P-256 public key')
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
