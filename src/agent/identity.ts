/**
 * Who this host is in its cloud: a key, a certificate, the CA and the API's address, in one file of the agent's state
 * directory. `vpc join` writes it; the agent renews the certificate at half of its life.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityFile, renewPath, type HostCertificate } from '#feed/join.ts'
import type { Log } from '#system/log.ts'
import { readSecret, writeWhole } from '#system/whole-file.ts'
import { ask, FeedRefused, type FeedServer } from './feed/connection.ts'
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

/**
 * Where the agent connects to, and as whom: at each turn the next API of the cloud. Throws AgentStartRefused when this
 * host has not joined.
 */
export function agentServer(stateDir: string, turn = 0): FeedServer {
  const identity = readIdentity(stateDir)
  if (identity === undefined)
    throw new AgentStartRefused(`this host has not joined a cloud; an operator runs vpc host create NAME there, then here: vpc join TOKEN`)
  const all = serversOf(identity)
  return all[turn % all.length]!
}

function serversOf({ server, others = [], ca, certificate, key }: Identity): FeedServer[] {
  return [server, ...others].map((url) => ({ url, tls: { ca, cert: certificate, key } }))
}

/** Ms until the certificate should be renewed: half of its life. */
function untilRenewal(certificate: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return (validFromDate.getTime() + validToDate.getTime()) / 2 - now
}

export interface RenewOptions {
  readonly stateDir: string
  readonly log: Log
  readonly now?: () => number
  /** How long to wait after a failure, and between looks at the clock, at most. */
  readonly everyMs?: number
}

/** Renew the certificate whenever half of its life is over, until the signal. A failure is said, and tried again. */
export async function keepIdentity({ stateDir, log, now = Date.now, everyMs = 600_000 }: RenewOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // Clocks jump, and machines sleep: no timer is trusted for days.
    await sleep(Math.max(0, Math.min(everyMs, await renewIfDue(stateDir, log, now(), everyMs))), undefined, { signal }).catch(() => {})
  }
}

/** Renew if it is time. Gives the ms until the next look. */
async function renewIfDue(stateDir: string, log: Log, now: number, everyMs: number): Promise<number> {
  try {
    const identity = readIdentity(stateDir)
    if (identity === undefined) return everyMs
    const left = untilRenewal(identity.certificate, now)
    if (left > 0) return left
    await renew(stateDir, identity)
    log.info('the certificate is renewed', { ends: new X509Certificate(readIdentity(stateDir)!.certificate).validToDate.toISOString() })
  } catch (error) {
    log.warn('cannot renew the certificate', { error: (error as Error).message })
  }
  return everyMs
}

/** Ask for a new certificate of the same key, and keep it. */
export async function renew(stateDir: string, identity: Identity): Promise<void> {
  const { certificate, ca, name } = await renewedBy(serversOf(identity))
  const renewed = { ...identity, certificate, ca, name }
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(identity.key))) throw new Error('the API answered for another key')
  // Somebody has joined again meanwhile.
  if (readIdentity(stateDir)?.key === identity.key) writeIdentity(stateDir, renewed)
}

/** The answer of the first API that can be reached. */
async function renewedBy([first, ...rest]: readonly FeedServer[]): Promise<HostCertificate> {
  try {
    return (await ask(first!, renewPath, {}, AbortSignal.timeout(30_000))) as HostCertificate
  } catch (error) {
    if (rest.length === 0 || (error instanceof FeedRefused && error.status < 500)) throw error
    return renewedBy(rest)
  }
}
