/** Makes X.509 certificates with P-256 keys: the CA's, the API's for agents, and those of hosts. */
import { randomBytes, webcrypto } from 'node:crypto'
import type { Extension, JsonGeneralNames } from '@peculiar/x509'
import { loadX509 } from './x509.ts'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A clock may be behind by so much, of a host or of an API that was set back: a day, and what is usual. */
export const skewMs = 26 * 3_600_000

export interface CertificateRequest {
  readonly subject: string
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
  readonly issuer: string
  /** PKCS #8, DER. */
  readonly signingKey: Uint8Array
  /** SubjectPublicKeyInfo of the issuer, DER. */
  readonly issuerKey: Uint8Array
  readonly now: number
  readonly lifeMs: number
  readonly use: 'ca' | { readonly names: JsonGeneralNames; readonly purpose: 'serverAuth' | 'clientAuth' }
}

/** Make a certificate, in PEM form. */
export async function makeCertificate(request: CertificateRequest): Promise<string> {
  const { X509CertificateGenerator } = await loadX509()
  const { subject, issuer, publicKey, now, lifeMs } = request
  const { subtle } = webcrypto
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject,
      issuer,
      notBefore: new Date(now - skewMs),
      notAfter: new Date(now + lifeMs),
      publicKey: await subtle.importKey('spki', new Uint8Array(publicKey), ecdsa, true, ['verify']),
      signingKey: await subtle.importKey('pkcs8', new Uint8Array(request.signingKey), ecdsa, false, ['sign']),
      signingAlgorithm: ecdsa,
      extensions: await extensionsOf(request),
    },
    webcrypto as never,
  )
  return `${certificate.toString('pem').trim()}\n`
}

/** 16 random bytes, as a positive number that does not begin with zeros. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

async function extensionsOf({ publicKey, issuerKey, use }: CertificateRequest): Promise<Extension[]> {
  const x509 = await loadX509()
  const { KeyUsageFlags, KeyUsagesExtension, SubjectKeyIdentifierExtension, AuthorityKeyIdentifierExtension } = x509
  const isCa = use === 'ca'
  const usage = isCa ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature
  return [
    new x509.BasicConstraintsExtension(isCa, isCa ? 0 : undefined, true),
    new KeyUsagesExtension(usage, true),
    await SubjectKeyIdentifierExtension.create(new x509.PublicKey(new Uint8Array(publicKey)), false, webcrypto as never),
    await AuthorityKeyIdentifierExtension.create(new x509.PublicKey(new Uint8Array(issuerKey)), false, webcrypto as never),
    ...(isCa
      ? []
      : [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use.purpose]], false),
          new x509.SubjectAlternativeNameExtension(use.names, false),
        ]),
  ]
}
