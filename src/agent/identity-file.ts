/**
 * Who this host is in its cloud: a key, a certificate, the CA and the API's address, in one file of the agent's state
 * directory. `vpc join` writes it. Commands read it, too, so it loads nothing that talks to an API.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { identityFile } from '#feed/join.ts'
import { readSecret, writeWhole } from '#system/whole-file.ts'
import { AgentStartRefused } from './state-dir.ts'

export interface Identity {
  /** `https://ADDRESS:PORT`. */
  readonly server: string
  /** Other APIs of the same cloud, in the same form. */
  readonly others?: readonly string[]
  /** Id and name of the host. */
  readonly host: string
  readonly name: string
  /** Id of the join token that it came by. */
  readonly token: string
  /** PEM, each. */
  readonly key: string
  readonly certificate: string
  readonly ca: string
}

/** Read who this host is; undefined: it has not joined. Throws AgentStartRefused when the file cannot be used. */
export function readIdentity(stateDir: string): Identity | undefined {
  const path = identityFile(stateDir)
  try {
    const text = readSecret(path)
    if (text === undefined) return undefined
    const identity = JSON.parse(text) as Identity
    if (new X509Certificate(identity.certificate).checkPrivateKey(createPrivateKey(identity.key))) return identity
    throw new Error('the certificate is not one of the key')
  } catch (error) {
    throw new AgentStartRefused(`cannot use ${path}: ${(error as Error).message}; mend it, or join again with a new token`, {
      cause: error,
    })
  }
}

/** Write who this host is, whole or not at all, for its owner alone. */
export function writeIdentity(stateDir: string, identity: Identity): void {
  writeWhole(identityFile(stateDir), `${JSON.stringify(identity, null, 1)}\n`, { mode: 0o600, isNew: false })
}
