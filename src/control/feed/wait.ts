/** Waits until hosts do what the model says, and names those that do not yet. */
import type { ItemError } from '#feed/message.ts'
import type { HostStatuses } from '../model/host-status.ts'
import type { Affected } from './affected.ts'
import type { Feeds } from './feeds.ts'

/** A host that does not do it yet. */
export interface Late {
  readonly host: string
  /** The revision that it has acknowledged; null: it has not been heard here. */
  readonly acked: string | null
  /** What fails there; null: it has not answered. */
  readonly error: { readonly code: string; readonly text: string } | null
}

export interface WaitOptions {
  readonly feeds: Feeds
  readonly hosts: HostStatuses
  readonly affected: Affected
  readonly revision: number
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/** Wait for a revision. Gives the hosts that are late when the signal comes, or on which an item of it fails. */
export async function waitForHosts(options: WaitOptions): Promise<Late[]> {
  const { feeds, hosts, affected, revision, signal } = options
  const behind = new Set([...affected.hosts].filter((host) => !hasReached(hosts, host, revision)))
  const { promise, resolve } = Promise.withResolvers<void>()
  const check = (host: string): void => {
    if (hasReached(hosts, host, revision)) behind.delete(host)
    if (behind.size === 0) resolve()
  }
  const end = hosts.onReport(check)
  signal.addEventListener('abort', () => resolve(), { once: true })
  try {
    feeds.nudge(behind)
    if (behind.size > 0 && !signal.aborted) await promise
  } finally {
    end()
  }
  return [...affected.hosts].sort().flatMap((host) => lateOf(options, host, behind.has(host)) ?? [])
}

const hasReached = (hosts: HostStatuses, host: string, revision: number): boolean => (hosts.get(host)?.acked ?? -1) >= revision

function lateOf({ feeds, hosts, affected }: WaitOptions, host: string, isBehind: boolean): Late | undefined {
  const status = hosts.get(host)
  const error = errorOf(affected, [...(status?.errors.values() ?? [])])
  if (!isBehind && error === undefined) return undefined
  const away = { code: 'not-connected', text: 'its agent is not connected to this API' }
  const none = feeds.connected.has(host) ? null : away
  return {
    host,
    acked: status === undefined ? null : String(status.acked),
    error: error === undefined ? none : { code: error.code, text: error.text },
  }
}

/** What fails there of the items, or as a whole. */
const errorOf = ({ keys }: Affected, errors: readonly ItemError[]): ItemError | undefined =>
  errors.find(({ kind, id }) => keys.has(`${kind}/${id}`) || kind === 'host')
