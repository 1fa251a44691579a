/** Follows a watch of the API: connects again when the connection is lost, and goes on where it was. */
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import type { ApiClient } from './api-client.ts'
import type { ServerEvent } from './server-events.ts'

const longestPauseMs = 5_000

export interface WatchOptions {
  readonly query: URLSearchParams
  /** The revision to begin after; undefined: now. */
  readonly after: string | undefined
  readonly signal: AbortSignal
}

/** The events until the signal. Throws a Failure when the API refuses, or cannot be reached at first. */
export async function* watchStream(client: ApiClient, { query, after, signal }: WatchOptions): AsyncGenerator<ServerEvent> {
  let last = after
  let hasBegun = false
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const headers = last === undefined ? {} : { 'last-event-id': last }
    try {
      for await (const event of client.events('watch', { method: 'GET', path: `/watch?${query}`, headers, signal })) {
        hasBegun = true
        pauseMs = 100
        last = event.event === 'reset' ? undefined : (event.id ?? last)
        yield event
      }
    } catch (error) {
      if (signal.aborted) return
      const passes = error instanceof Failure && (error.kind === 'unreachable' || error.code === 'rate-limited')
      if (!passes || !hasBegun) throw error
    }
    await wait(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
  }
}
