/** Who signs certificates, as the API sees it. The CA itself is in another process (client.ts), or in this one. */
import type { KeyedCertificate } from './authority.ts'

/** Why a host may have a certificate: a machine has just joined with a token, or a host has a good one. */
export type Permit = { readonly token: string } | { readonly certificate: string }

export interface Issuer {
  /** The CA's certificate, in PEM form. */
  readonly certificate: string
  /** SHA-256 of the CA's public key, base64url. */
  readonly pin: string
  /** A key with a certificate for the port that agents connect to. */
  issueServer(now?: number): Promise<KeyedCertificate>
  /** A certificate for a host's public key (SubjectPublicKeyInfo, DER), in PEM form. */
  issueHost(host: string, publicKey: Uint8Array, now: number, permit: Permit): Promise<string>
}

/** The issuer does not sign that, or has no CA to sign with. */
export class IssuerRefused extends Error {
  /** The kernel does not let the issuer's user keep a CA there. */
  readonly isDenied: boolean

  constructor(message: string, { isDenied = false } = {}) {
    super(message)
    this.isDenied = isDenied
  }
}

/** The issuer does not answer. */
export class IssuerAway extends Error {}
