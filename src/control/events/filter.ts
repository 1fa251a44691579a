/** What of all that happened somebody asks for: of an account, a vpc, a host or a vnic. */
import type { CloudEvent } from '#resource/cloud-event.ts'
import { isId } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { find } from '../model/find.ts'
import { fieldProblem } from '../model/problem.ts'
import type { Viewer } from '../model/view.ts'

export type EventFilter = (event: CloudEvent) => boolean

/** Words of a query, and which events they let pass. */
const words = {
  account: (id: string) => (event) => event.account === id || event.id === id,
  vpc: (id: string) => (event) => event.vpc === id || event.id === id,
  host: (id: string) => (event) => event.host?.id === id || event.id === id,
  vnic: (id: string) => (event) => event.id === id,
} satisfies Record<string, (id: string) => EventFilter>

export const filterWords = Object.keys(words)

/** The filter of a query. Throws a Problem for a name that is none. An id may be of what has gone. */
export function eventFilter(viewer: Viewer, query: Readonly<Record<string, string>>): EventFilter {
  const filters = Object.entries(words).flatMap(([word, make]) => {
    const text = query[word]
    return text === undefined ? [] : [make(idOf(viewer, word, text))]
  })
  return (event) => filters.every((each) => each(event))
}

function idOf({ mirror: { objects }, caller }: Viewer, word: string, text: string): string {
  if (isId(text)) return text.toLowerCase()
  const found = find({ objects, caller }, kindOf(word), text)
  if (found.kind === 'one') return found.stored.record.id
  const why = found.kind === 'none' ? `there is no ${word} ${text.slice(0, 200)}` : `there are several: ${found.paths.join(', ')}`
  throw fieldProblem('invalid', [word], why)
}
