/** Reads what happened in a cloud from its API, and follows it over lost connections. */
import { setTimeout as wait } from 'node:timers/promises'
import type { CloudEvent } from '#resource/cloud-event.ts'
import { KnownEvents } from '#resource/known-events.ts'
import { Failure } from '../failure.ts'
import type { ApiClient } from './api-client.ts'

const longestPauseMs = 5_000

/** The events of a time, the oldest first. */
export async function pastEvents(client: ApiClient, query: URLSearchParams): Promise<{ items: CloudEvent[]; isCut: boolean }> {
  return (await client.must<{ items: CloudEvent[]; isCut: boolean }>('read what happened', 'GET', `/events?${query}`)).body
}

/** Events until the signal. Throws a Failure when the API refuses, or cannot be reached at first. */
export async function* followEvents(client: ApiClient, asked: URLSearchParams, signal: AbortSignal): AsyncGenerator<CloudEvent> {
  const known = new KnownEvents()
  const query = new URLSearchParams(asked)
  query.set('follow', 'true')
  let hasBegun = false
  const opened = (): void => void (hasBegun = true)
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      for await (const { event, data } of client.events('follow what happens', {
        method: 'GET',
        path: `/events?${query}`,
        signal,
        opened,
      })) {
        pauseMs = 100
        // Where nothing happens, these say from when on to ask after a lost connection.
        const { time } = data as { readonly time?: string }
        if ((event === 'begun' || event === 'bookmark') && time !== undefined) query.set('since', time)
        if (event !== 'event' || !known.isNew(data as CloudEvent)) continue
        query.set('since', (data as CloudEvent).time)
        yield data as CloudEvent
      }
    } catch (error) {
      if (signal.aborted) return
      const passes = error instanceof Failure && (error.kind === 'unreachable' || error.code === 'rate-limited')
      if (!passes || !hasBegun) throw error
    }
    await wait(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
  }
}
