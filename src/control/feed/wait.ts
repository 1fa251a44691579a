/** Waits until hosts do what the model says, and names those that do not yet. */
import type { ItemError } from '#feed/message.ts'
import type { HostStatuses } from '../model/host-status.ts'
import type { Affected } from './affected.ts'
import type { Feeds } from './feeds.ts'
import type { Inquiries } from './inquiries.ts'
import type { Late } from './late.ts'

export interface WaitOptions {
  readonly feeds: Feeds
  readonly hosts: HostStatuses
  readonly affected: Affected
  readonly revision: number
  readonly timeoutMs: number
  /** Ends the wait. */
  readonly signal: AbortSignal
  /** Asks other APIs. Undefined: there is no other. */
  readonly inquiries?: Inquiries | undefined
}

/** Wait for a revision. Gives the hosts that are late when the signal comes, or on which an item of it fails. */
export async function waitForHosts(options: WaitOptions): Promise<Late[]> {
  const { feeds, hosts, affected, revision, signal } = options
  const behind = new Set([...affected.hosts].filter((host) => !hasReached(hosts, host, revision)))
  const elsewhere = new Map<string, Late | undefined>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const leave = (host: string): void => {
    behind.delete(host)
    if (behind.size === 0) resolve()
  }
  const over = new AbortController()
  const end = hosts.onReport((host) => void (hasReached(hosts, host, revision) && leave(host)))
  signal.addEventListener('abort', () => resolve(), { once: true })
  try {
    feeds.nudge(behind)
    const asked = askOthers(options, behind, AbortSignal.any([signal, over.signal]), (host, late) => {
      elsewhere.set(host, late)
      leave(host)
    })
    if (behind.size > 0 && !signal.aborted) await promise
    over.abort()
    await asked
  } finally {
    end()
  }
  return [...affected.hosts].sort().flatMap((host) => {
    if (elsewhere.has(host)) return elsewhere.get(host) ?? []
    return lateOf(options, host, behind.has(host)) ?? []
  })
}

async function askOthers(
  { feeds, hosts, affected, revision, timeoutMs, inquiries }: WaitOptions,
  behind: ReadonlySet<string>,
  signal: AbortSignal,
  answered: (host: string, late: Late | undefined) => void,
): Promise<void> {
  const connected = feeds.connected
  const others = [...behind].filter((host) => !connected.has(host) && hosts.here(host) !== undefined)
  if (others.length > 0) await inquiries?.ask({ hosts: others, keys: affected.keys, revision, timeoutMs }, signal, answered)
}

const hasReached = (hosts: HostStatuses, host: string, revision: number): boolean => (hosts.current(host)?.acked ?? -1) >= revision

function lateOf({ feeds, hosts, affected }: WaitOptions, host: string, isBehind: boolean): Late | undefined {
  const status = hosts.current(host)
  const error = errorOf(affected, [...(status?.errors.values() ?? [])])
  if (!isBehind && error === undefined) return undefined
  const isThere = feeds.connected.has(host) || hosts.here(host) !== undefined
  const away = isThere ? null : { code: 'not-connected', text: 'its agent is not connected' }
  return {
    host,
    acked: status === undefined ? null : String(status.acked),
    error: error === undefined ? away : { code: error.code, text: error.text },
  }
}

/** What fails there of the items, or as a whole. */
const errorOf = ({ keys }: Pick<Affected, 'keys'>, errors: readonly ItemError[]): ItemError | undefined =>
  errors.find(({ kind, id }) => keys.has(`${kind}/${id}`) || kind === 'host')

/** Wait for one host, for an API that asks. */
export const answerFor =
  (feeds: Feeds, hosts: HostStatuses) =>
  async (
    host: string,
    { keys, revision, signal }: { keys: Set<string>; revision: number; signal: AbortSignal },
  ): Promise<Late | undefined> =>
    (await waitForHosts({ feeds, hosts, affected: { hosts: new Set([host]), keys }, revision, timeoutMs: 0, signal }))[0]
