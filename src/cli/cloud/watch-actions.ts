/** Follows changes of a cloud: connects again when the connection is lost, and goes on where it was. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Resource } from '#resource/envelope.ts'
import { Failure } from '../failure.ts'
import type { Output } from '../output.ts'
import type { ServerEvent } from './server-events.ts'
import { clientOf, textOf, type Values } from './resource-actions.ts'

const longestPauseMs = 5_000

/** Print changes until the signal. Throws a Failure when the API refuses, or cannot be reached at first. */
export async function followChanges(kind: string | undefined, values: Values, output: Output, signal: AbortSignal): Promise<void> {
  const client = clientOf(values)
  const query = queryOf(kind, values)
  let last = values.after as string | undefined
  let hasBegun = false
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const headers = last === undefined ? {} : { 'last-event-id': last }
    try {
      for await (const event of client.events('watch', { method: 'GET', path: `/watch?${query}`, headers, signal })) {
        hasBegun = true
        pauseMs = 100
        last = event.event === 'reset' ? undefined : (event.id ?? last)
        print(event, output)
      }
    } catch (error) {
      if (signal.aborted) return
      const passes = error instanceof Failure && (error.kind === 'unreachable' || error.code === 'rate-limited')
      if (!passes || !hasBegun) throw error
    }
    await wait(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
  }
}

function queryOf(kind: string | undefined, values: Values): URLSearchParams {
  const query = new URLSearchParams()
  if (kind !== undefined) query.set('kind', kind)
  for (const word of ['account', 'vpc']) if (typeof values[word] === 'string') query.set(word, values[word])
  for (const label of values.label as string[]) query.append('label', label)
  return query
}

function print({ event, id, data }: ServerEvent, output: Output): void {
  if (event === 'bookmark') return
  if (event === 'reset') return output.item({ event, ...data }, `reset: ${String(data.reason)}; list again`)
  const resource = data as Resource
  const { state, revision } = resource
  if (event === 'put') return output.item({ event, resource }, `${revision}  put  ${textOf(resource)}  ${state}`)
  output.item({ event, ...data, ...(id !== undefined && { revision: id }) }, `${id ?? '-'}  delete  ${resource.kind} ${resource.id}`)
}
