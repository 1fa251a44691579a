/** Prints changes of a cloud as they happen. */
import type { Resource } from '#resource/envelope.ts'
import type { Output } from '../output.ts'
import { clientOf, textOf, type Values } from './resource-actions.ts'
import type { ServerEvent } from './server-events.ts'
import { stateText, type DerivedState } from './state-text.ts'
import { watchStream } from './watch-stream.ts'

/** Print changes until the signal. Throws a Failure when the API refuses, or cannot be reached at first. */
export async function followChanges(kind: string | undefined, values: Values, output: Output, signal: AbortSignal): Promise<void> {
  const options = { query: queryOf(kind, values), after: values.after as string | undefined, signal }
  for await (const event of watchStream(clientOf(values), options)) print(event, output)
}

function queryOf(kind: string | undefined, values: Values): URLSearchParams {
  const query = new URLSearchParams()
  if (kind !== undefined) query.set('kind', kind)
  if (values.states === true) query.set('states', 'true')
  for (const word of ['account', 'vpc']) if (typeof values[word] === 'string') query.set(word, values[word])
  for (const label of values.label as string[]) query.append('label', label)
  return query
}

function print({ event, id, data }: ServerEvent, output: Output): void {
  if (event === 'reset') return output.item({ event, ...data }, `reset: ${String(data.reason)}; list again`)
  if (event === 'put') {
    const resource = data as Resource
    return output.item({ event, resource }, `${resource.revision}  put  ${textOf(resource)}  ${resource.state}`)
  }
  if (event === 'delete')
    return output.item({ event, ...data, ...(id !== undefined && { revision: id }) }, `${id ?? '-'}  delete  ${data.kind} ${data.id}`)
  if (event === 'state') return output.item({ event, ...data }, `-  state  ${stateText(data as DerivedState)}`)
  if (event !== 'states') return
  const { items } = data as { items: DerivedState[] }
  output.item({ event, ...data }, items.map((each) => `-  state  ${stateText(each)}`).join('\n'))
}
