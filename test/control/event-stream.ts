/** Reads server-sent events of an answer. */

/** The events of a stream, as they come. */
export async function* eventsOf(response: Response): AsyncGenerator<{ event: string; id?: string; data: any }> {
  let rest = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += part
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const lines = new Map(
        rest
          .slice(0, end)
          .split('\n')
          .map((line): [string, string] => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]),
      )
      rest = rest.slice(end + 2)
      yield { event: lines.get('event')!, data: JSON.parse(lines.get('data')!), ...(lines.has('id') && { id: lines.get('id')! }) }
    }
  }
}
