/** Keeps the feed open: connects, and connects anew when it ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import { feedVersion, type FeedMessage } from '#feed/message.ts'
import type { Log } from '#system/log.ts'
import { backOffMs } from '../apply/back-off.ts'
import { FeedRefused, feedMessages, type FeedServer, type Opening } from './connection.ts'

/** All agents lose their feeds when an API restarts: each waits so long at most before it connects anew. */
export const usualReconnectMs = 5_000
/** Where the API does not answer, an agent asks once a second at most. */
const leastWaitMs = 1_000
/** Where it answers and refuses this agent, or has sent it away. */
const refusedWaitMs = 30_000
/** The code of a refusal whose way out is a newer agent. */
const tooOld = 'client-too-old'

export interface FollowOptions {
  /** Asked before each try: certificates are renewed. */
  readonly server: () => FeedServer | Promise<FeedServer>
  /** What there is to go on from. */
  readonly opening: () => Opening
  /** Done before each try. */
  readonly prepare?: (() => Promise<void>) | undefined
  readonly onMessage: (message: FeedMessage) => void
  /** The feed is open, with null; or it is not, and why. */
  readonly onState: (trouble: string | null) => void
  /** The API is lost, or was not found: another may be there. */
  readonly onLost?: (() => void) | undefined
  readonly log: Log
  readonly random: () => number
  readonly silenceMs?: number | undefined
  /** Within how long it connects again. Default: `usualReconnectMs`. */
  readonly reconnectMs?: number | undefined
  /** Asked before each try: when it aborts, the agent connects anew at once. */
  readonly again?: (() => AbortSignal) | undefined
}

/** Follow the feed until the signal. After a `bye` it asks seldom: an operator may let the host in again. */
export async function followFeed(options: FollowOptions, signal: AbortSignal): Promise<void> {
  for (let failed = 0; !signal.aborted;) {
    const again = options.again?.()
    const until = again === undefined ? signal : AbortSignal.any([signal, again])
    const end = await followOnce(options, until)
    if (signal.aborted) return
    if (again?.aborted) continue
    failed = end.opened ? 0 : failed + 1
    if (!end.refused) options.onLost?.()
    await sleep(waitMs(end, failed, options), undefined, { signal: until }).catch(() => {})
  }
}

interface End {
  readonly opened: boolean
  readonly refused: boolean
}

function waitMs({ opened, refused }: End, failed: number, { random, reconnectMs = usualReconnectMs }: FollowOptions): number {
  if (refused) return refusedWaitMs * (0.75 + random() / 2)
  return opened ? reconnectMs * random() : Math.min(Math.max(leastWaitMs, reconnectMs), backOffMs(failed, random))
}

async function followOnce(options: FollowOptions, signal: AbortSignal): Promise<End> {
  const { server, opening, prepare, onMessage, onState, log, silenceMs } = options
  let opened = false
  try {
    await prepare?.()
    const silence = silenceMs === undefined ? {} : { silence: silenceMs }
    for await (const message of feedMessages(await server(), { ...opening(), signal, ...silence })) {
      if (message.type === 'hello') {
        checkVersion(message.version)
        opened = true
        log.info('the feed is open', { host: message.host, whole: message.whole })
        onState(null)
      }
      if (message.type === 'bye') return leave(message.reason, { log, onState })
      onMessage(message)
    }
  } catch (error) {
    if (!signal.aborted) {
      const trouble = textOf(error)
      log.warn(opened ? 'the feed has ended' : 'cannot open the feed', { error: trouble })
      onState(trouble)
    }
    return { opened, refused: error instanceof FeedRefused && error.status < 500 }
  }
  return { opened, refused: false }
}

function leave(reason: string, { log, onState }: Pick<FollowOptions, 'log' | 'onState'>): End {
  log.warn('the API has sent this host away; everything stays as it is', { reason })
  onState(`the API has sent this host away: ${reason}`)
  return { opened: true, refused: true }
}

function checkVersion(version: number): void {
  if (version === feedVersion) return
  const code = version > feedVersion ? tooOld : 'client-too-new'
  throw new FeedRefused(426, `the API speaks version ${version} of the feed, and this agent ${feedVersion}`, code)
}

function textOf(error: unknown): string {
  if (error instanceof FeedRefused && error.status === 426)
    return `${error.message}; this host keeps what it has; update ${error.code === tooOld ? 'the agent' : 'the API, then the agent'}`
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED')
    return `${message}; this host's clock says ${new Date().toISOString()}: if that is right, look at the clock of the API`
  // Both addresses of a name may have failed.
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ')
  return message
}
