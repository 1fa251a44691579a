/** What happened in the cloud, and what happens: changes, states and sums of drops that one may hear of. */
import { useState } from 'preact/hooks'
import { eventNames, type CloudEvent } from '#resource/cloud-event.ts'
import { happenedText } from '#resource/event-text.ts'
import { findKind, kinds } from '#resource/kinds.ts'
import { useEvents } from './event-stream.ts'
import { useCollections } from './live.ts'
import { counted, fieldText, referenceText, wordOf } from './names.ts'
import { ProblemBox, SearchBox, Table } from './parts.tsx'
import { hrefOf, replaceQuery } from './route.ts'
import { Time } from './value.tsx'

/** Rows that a page shows. */
const mostRows = 200
const hourMs = 3_600_000
const spans = [
  ['1', 'an hour ago'],
  ['24', 'a day ago'],
  ['168', 'a week ago'],
] as const
/** What the address may ask about: the API answers for it alone. */
const subjects = ['account', 'vpc', 'host', 'vnic'] as const

const sinceOf = (hours: string): string => new Date(Date.now() - Number(hours) * hourMs).toISOString()

export function EventsPage({ query }: { query: URLSearchParams }) {
  const about = Object.fromEntries(subjects.flatMap((word) => (query.has(word) ? [[word, query.get(word)!]] : [])))
  useCollections(Object.keys(about))
  const [asked, setAsked] = useState({ kind: query.get('kind') ?? '', event: query.get('event') ?? '' })
  const [hours, setHours] = useState('1')
  const [since, setSince] = useState(() => sinceOf('1'))
  const [search, setSearch] = useState('')
  const { all, isReady, problem } = useEvents(since, about)
  const set = (word: 'kind' | 'event', value: string): void => {
    const next = { ...asked, [word]: value }
    setAsked(next)
    replaceQuery({ ...about, ...next })
  }
  const found = all.filter((event) => fits(event, asked, search.toLowerCase()))
  return (
    <>
      <div class="title">
        <h1>Events</h1>
        <p class="hint">what happened, and what happens, the newest first</p>
      </div>
      <About about={about} />
      <div class="bar" role="search">
        <SearchBox label="Search the events" placeholder="Search: name, host, person, request …" value={search} set={setSearch} />
        <Choice label="event" value={asked.event} words={eventNames} set={(value) => set('event', value)} />
        <Choice label="kind" value={asked.kind} words={kinds.map(({ kind }) => kind)} set={(value) => set('kind', value)} />
        <label>
          since{' '}
          <select
            value={hours}
            onChange={({ currentTarget: { value } }) => {
              setHours(value)
              setSince(sinceOf(value))
            }}
          >
            {spans.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <span class="hint" role="status">
          {isReady ? counted(found.length, 'event') : 'loading …'}
          {found.length > mostRows && `, the newest ${mostRows} are shown`}
        </span>
      </div>
      {problem && <ProblemBox problem={problem} />}
      {isReady && found.length === 0 && <Empty isFiltered={all.length > 0} />}
      {found.length > 0 && <EventTable events={found.slice(0, mostRows)} />}
    </>
  )
}

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly words: readonly string[]
  readonly set: (value: string) => void
}

const Choice = ({ label, value, words, set }: ChoiceProps) => (
  <label>
    {label}{' '}
    <select value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
      <option value="">all</option>
      {words.map((word) => (
        <option key={word} value={word}>
          {wordOf(word)}
        </option>
      ))}
    </select>
  </label>
)

/** What the address asks about, and the way to all. */
function About({ about }: { about: Readonly<Record<string, string>> }) {
  const words = Object.entries(about)
  if (words.length === 0) return null
  return (
    <p class="hint">
      of{' '}
      {words.map(([kind, id]) => (
        <a key={kind} href={hrefOf([findKind(kind)!.plural, id])}>
          {wordOf(kind)} {referenceText(kind, id)}
        </a>
      ))}
      {' · '}
      <a href={hrefOf(['events'])}>all events</a>
    </p>
  )
}

const Empty = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <p class="nothing">None of them fits. Choose another event or kind, or search for less.</p>
  ) : (
    <p class="nothing">Nothing has happened in that time. Choose a longer one, or leave this page open: events show up by themselves.</p>
  )

const textOf = ({ kind, id, name, by, request, ...event }: CloudEvent): string =>
  `${wordOf(kind)} ${name ?? ''} ${id} ${happenedText({ kind, id, name, by, request, ...event })} ${by?.name ?? by?.id ?? ''} ${request ?? ''}`

const fits = (event: CloudEvent, asked: { readonly kind: string; readonly event: string }, search: string): boolean =>
  (asked.kind === '' || event.kind === asked.kind) &&
  (asked.event === '' || event.event === asked.event) &&
  textOf(event).toLowerCase().includes(search)

/** What is no trouble has no colour. */
function toneOf({ event, state, late = false, problem = null }: CloudEvent): string {
  if (event === 'drops' || event === 'nat-exhausted' || problem !== null) return 'bad'
  if (late || state === 'unreachable' || state === 'draining') return 'warn'
  return event === 'state' && state === 'ready' ? 'good' : 'idle'
}

function EventTable({ events }: { events: readonly CloudEvent[] }) {
  return (
    <Table titles={['time', 'what', 'happened', 'by', 'request']}>
      {events.map((event) => (
        <tr key={`${event.time} ${event.id} ${event.event} ${event.request}`}>
          <td>
            <Time iso={event.time} />
          </td>
          <th scope="row">
            <Subject event={event} />
          </th>
          <td>
            <span class={`state long ${toneOf(event)}`}>{wordsOf(event)}</span>
          </td>
          <td>{event.by && (event.by.name ?? <span class="mono">{event.by.id}</span>)}</td>
          <td class="mono whole" title={event.request ?? undefined}>
            {event.request}
          </td>
        </tr>
      ))}
    </Table>
  )
}

/** As fields are called on other pages. */
const wordsOf = (event: CloudEvent): string => happenedText({ ...event, ...(event.fields && { fields: event.fields.map(fieldText) }) })

/** What has gone has no page. */
function Subject({ event: { kind, id, name, event } }: { event: CloudEvent }) {
  const text = `${wordOf(kind)} ${name ?? id}`
  const table = findKind(kind)
  return event === 'destroyed' || table === undefined ? <>{text}</> : <a href={hrefOf([table.plural, id])}>{text}</a>
}
