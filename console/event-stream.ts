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
/** How long after a refusal the stream is asked for again. */
const againMs = 3_000
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
  show(nothing)
  // Many of one moment are drawn once.
  const draw = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      show({ all, isReady, problem: undefined })
    }, 50)
  }
  const close = listen(query, {
    event(event) {
      if (!known.isNew(event)) return
      all = [event, ...all].slice(0, mostEvents)
      draw()
    },
    begun() {
      isReady = true
      draw()
    },
    failed: (problem) => show({ all, isReady, problem }),
  })
  return () => {
    clearTimeout(timer)
    close()
  }
}

interface Listener {
  event(event: CloudEvent): void
  begun(): void
  failed(problem: ProblemBody): void
}

/** Open the stream, and again when it ends. */
function listen(query: string, listener: Listener): () => void {
  let isOver = false
  let source: EventSource
  let timer: ReturnType<typeof setTimeout> | undefined
  const open = (): void => {
    if (isOver) return
    source = new EventSource(`/v1/events?${query}&follow=true`)
    source.addEventListener('event', ({ data }) => listener.event(JSON.parse(data) as CloudEvent))
    source.addEventListener('begun', () => listener.begun())
    // The browser connects again by itself, unless the API has refused: then its answer says why.
    source.addEventListener('error', () => source.readyState === EventSource.CLOSED && void refused())
  }
  const refused = async (): Promise<void> => {
    const problem = await ask('GET', `/events?${query}&limit=1`).then(() => undefined, problemOf)
    if (isOver) return
    if (problem !== undefined) listener.failed(problem)
    // An API that is away for a moment, or has too many streams, may be asked again.
    if (problem === undefined || [0, 429, 503].includes(problem.status)) timer = setTimeout(open, againMs)
  }
  open()
  return () => {
    isOver = true
    clearTimeout(timer)
    source.close()
  }
}
