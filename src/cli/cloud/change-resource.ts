/** A change of a resource that follows from what it is now. */
import type { Resource } from '#resource/envelope.ts'
import { refusal, type Answer, type ApiClient } from './api-client.ts'

const mostTries = 6

export interface Changed {
  readonly before: Resource
  readonly answer: Answer<Resource & { readonly late?: unknown }>
}

/**
 * Read a resource, and change it unless somebody else was quicker: then read it again. `query` begins with `?`, or is
 * empty. Throws a Failure when the API refuses.
 */
export async function changeResource(
  client: ApiClient,
  what: string,
  { path, query }: { readonly path: string; readonly query: string },
  patchOf: (before: Resource) => object | Promise<object>,
): Promise<Changed> {
  for (let tries = 1; ; tries++) {
    const { body: before, etag } = await client.must<Resource>(what, 'GET', path)
    const own = `${path.slice(0, path.indexOf('/', 1))}/${before.id}${query}`
    const answer = await client.ask('PATCH', own, await patchOf(before), { 'if-match': etag! })
    if (answer.status === 412 && tries < mostTries) continue
    if (answer.status >= 400) throw refusal(what, answer)
    return { before, answer }
  }
}
