/**
 * The CA of a cloud: a P-256 key in a directory of its own, which signs certificates of hosts and of the API itself.
 * The key is made once. Its certificate is made again before it ends; hosts know the CA by its key.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { apiServerName, hostUri, leafLifeMs, pinOf } from '#feed/join.ts'
import { readIfThere, readSecret, writeWhole } from '#system/whole-file.ts'
import { makeCertificate, type CertificateRequest } from './certificate.ts'
import { newKey, spkiOf } from './keys.ts'

const dayMs = 86_400_000
const caLifeMs = 3650 * dayMs
/** A certificate of the CA with less than this left is made again. */
const caRestMs = 365 * dayMs

const caName = 'CN=vpc CA'

/** A certificate with its key, in PEM form. */
export interface KeyedCertificate {
  readonly key: string
  readonly certificate: string
  readonly notAfter: number
}

export class Authority {
  /** The CA's certificate, in PEM form. */
  readonly certificate: string
  /** SHA-256 of the CA's public key, base64url. */
  readonly pin: string
  readonly #key: Uint8Array
  readonly #publicKey: Uint8Array

  private constructor(key: KeyObject, certificate: string) {
    this.#key = key.export({ type: 'pkcs8', format: 'der' })
    this.#publicKey = spkiOf(key)
    this.certificate = certificate
    this.pin = pinOf(this.#publicKey)
  }

  /** Open the CA of a directory. Makes it at the first start; of two that make one, the first wins. */
  static async open(directory: string, now = Date.now()): Promise<Authority> {
    const [keyFile, certificateFile] = [join(directory, 'ca.key'), join(directory, 'ca.crt')]
    if (readIfThere(keyFile) === undefined) writeWhole(keyFile, newKey(), { mode: 0o600, isNew: true })
    const key = createPrivateKey(readSecret(keyFile)!)
    const kept = readIfThere(certificateFile)
    if (kept !== undefined && isGood(kept, key, now)) return new Authority(key, kept)
    const publicKey = spkiOf(key)
    const made = await makeCertificate({
      subject: caName,
      issuer: caName,
      publicKey,
      issuerKey: publicKey,
      signingKey: key.export({ type: 'pkcs8', format: 'der' }),
      now,
      lifeMs: caLifeMs,
      use: 'ca',
    })
    writeWhole(certificateFile, made, { mode: 0o644, isNew: false })
    return new Authority(key, made)
  }

  /** A certificate for a host's public key (SubjectPublicKeyInfo, DER), in PEM form. */
  issueHost(host: string, publicKey: Uint8Array, now = Date.now()): Promise<string> {
    return this.#issue(`CN=${host}`, publicKey, now, { names: [{ type: 'url', value: hostUri(host) }], purpose: 'clientAuth' })
  }

  /** A new key with a certificate for the port that agents connect to. */
  async issueServer(now = Date.now()): Promise<KeyedCertificate> {
    const key = newKey()
    return { key, certificate: await this.signServer(spkiOf(key), now), notAfter: now + leafLifeMs }
  }

  /** A certificate for that port and a key of somebody else. */
  signServer(publicKey: Uint8Array, now = Date.now()): Promise<string> {
    const names = [{ type: 'dns' as const, value: apiServerName }]
    return this.#issue(`CN=${apiServerName}`, publicKey, now, { names, purpose: 'serverAuth' })
  }

  #issue(subject: string, publicKey: Uint8Array, now: number, use: CertificateRequest['use']): Promise<string> {
    const [signingKey, issuerKey] = [this.#key, this.#publicKey]
    return makeCertificate({ subject, issuer: caName, publicKey, signingKey, issuerKey, now, lifeMs: leafLifeMs, use })
  }
}

/** Is this the certificate of the key, and does it last? */
function isGood(text: string, key: KeyObject, now: number): boolean {
  try {
    const certificate = new X509Certificate(text)
    return certificate.checkPrivateKey(key) && certificate.validToDate.getTime() - now > caRestMs
  } catch {
    return false
  }
}
