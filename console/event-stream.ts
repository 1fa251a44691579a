/** What happened in the cloud, and what happens, as the API tells it: past events first, then each as it comes. */
import { useEffect, useState } from 'preact/hooks'
import type { CloudEvent } from '#resource/cloud-event.ts'
import { KnownEvents } from '#resource/known-events.ts'
import { ask, problemOf, type ProblemBody } from './api.ts'

export interface Events {
  /** The newest first. */
  readonly all: readonly CloudEvent[]
  /** Whether the past has been told. */
  readonly isReady: boolean
  readonly problem: ProblemBody | undefined
}

/** Events that a page keeps. */
const mostEvents = 2_000
const nothing: Events = { all: [], isReady: false, problem: undefined }

/** Follow the events since a time, of what `about` names: `vnic`, `host`, `vpc` or `account` with an id. */
export function useEvents(since: string, about: Readonly<Record<string, string>>): Events {
  const [events, setEvents] = useState(nothing)
  const query = new URLSearchParams({ ...about, since }).toString()
  useEffect(() => follow(query, setEvents), [query])
  return events
}

function follow(query: string, show: (events: Events) => void): () => void {
  let all: readonly CloudEvent[] = []
  let isReady = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const known = new KnownEvents()
  const source = new EventSource(`/v1/events?${query}&follow=true`)
  show(nothing)
  // Many of one moment are drawn once.
  const draw = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      show({ all, isReady, problem: undefined })
    }, 50)
  }
  source.addEventListener('event', ({ data }) => {
    const event = JSON.parse(data) as CloudEvent
    if (!known.isNew(event)) return
    all = [event, ...all].slice(0, mostEvents)
    draw()
  })
  source.addEventListener('begun', () => {
    isReady = true
    draw()
  })
  source.addEventListener('error', () => {
    // The browser connects again by itself, unless the API has refused: then its answer says why.
    if (source.readyState !== EventSource.CLOSED) return
    void ask('GET', `/events?${query}&limit=1`).catch((error: unknown) => show({ all, isReady, problem: problemOf(error) }))
  })
  return () => {
    clearTimeout(timer)
    source.close()
  }
}
