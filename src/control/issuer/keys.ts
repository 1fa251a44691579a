/** P-256 keys of the CA, of the API and of hosts. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** A new key, in PEM form. */
export const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** The public half as SubjectPublicKeyInfo, DER. */
export const spkiOf = (key: KeyObject | string): Uint8Array => createPublicKey(key as KeyObject).export({ type: 'spki', format: 'der' })
