/** Reads server-sent events of the API: one line for each field, an empty line ends an event. */
import { StringDecoder } from 'node:string_decoder'

export interface ServerEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: any
}

/** Longer than any event of the API. */
const maxChars = 1 << 24

/** The events of a stream of bytes. A stream that breaks off ends; half an event is none. */
export async function* readEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder()
  let rest = ''
  try {
    for await (const chunk of stream) {
      const parts = (rest + decoder.write(chunk)).split('\n\n')
      rest = parts.pop()!
      if (rest.length > maxChars) return
      for (const part of parts) yield parse(part)
    }
  } catch (error) {
    // Its reader sees that it has ended, and asks again.
    if (!(error instanceof Error) || !('code' in error)) throw error
  }
}

function parse(text: string): ServerEvent {
  const fields = new Map(
    text.split('\n').map((line) => (/^(\w+): ?(.*)$/s.exec(line)?.slice(1) as [string, string] | undefined) ?? ['', '']),
  )
  const data = fields.get('data')
  return { event: fields.get('event') ?? 'message', id: fields.get('id'), data: data === undefined ? undefined : JSON.parse(data) }
}
