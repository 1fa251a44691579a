/** As whom the agent connects: it renews the certificate of this host (identity-file.ts) at half of its life. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { leafLifeMs, renewPath, type HostCertificate } from '#feed/join.ts'
import type { Log } from '#system/log.ts'
import { ask, FeedRefused, type FeedServer } from './feed/connection.ts'
import { readIdentity, writeIdentity, type Identity } from './identity-file.ts'
import { AgentStartRefused } from './state-dir.ts'

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

/** Ms until the certificate should be renewed: counted from its end, as it begins before it was made. */
function untilRenewal(certificate: string, now: number): number {
  return new X509Certificate(certificate).validToDate.getTime() - leafLifeMs / 2 - now
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
