/** `--wait`: a command that ends when all hosts that its change concerns do it. */
import type { Resource } from '#resource/envelope.ts'
import { Failure } from '../failure.ts'
import { flag, text } from '../option.ts'
import type { Answer, ApiClient } from './api-client.ts'

/** The options of commands that change something. */
export const waiting = {
  wait: flag('end when all hosts that it concerns do it'),
  timeout: text('how long --wait waits, such as 500ms, 30s or 2m; 30s, unless given', 'TIME'),
}

interface Late {
  readonly host: string
  readonly error: { readonly text: string } | null
}

/** What the options add to the path of a change: `?dry-run`, `?wait=ready`. */
export function queryOf(values: Readonly<Record<string, unknown>>): string {
  const words = new URLSearchParams()
  if (values.dryRun === true) words.set('dry-run', 'true')
  if (values.wait === true) words.set('wait', 'ready')
  if (typeof values.timeout === 'string') words.set('timeout', values.timeout)
  return words.size === 0 ? '' : `?${words}`
}

/** Throws when the change was made, but not all hosts do it. */
export async function checkReady(client: ApiClient, what: string, { status, body }: Answer): Promise<void> {
  if (status !== 202) return
  const late = (body as { late: readonly Late[] }).late
  const named = await Promise.all(
    late.slice(0, 3).map(async ({ host, error }) => `${await nameOf(client, host)}: ${error?.text ?? 'no answer yet'}`),
  )
  const more = late.length > 3 ? `; and ${late.length - 3} more` : ''
  const hosts = late.length === 1 ? 'a host does' : `${late.length} hosts do`
  throw new Failure(
    'failed',
    `did ${what}, but ${hosts} not follow yet: host ${named.join('; host ')}${more}; no other command is needed`,
    {
      code: 'late',
    },
  )
}

/** The name of a host, for whoever may know it. */
async function nameOf(client: ApiClient, host: string): Promise<string> {
  const { status, body } = await client.ask('GET', `/hosts/${host}`)
  return status === 200 ? ((body as Resource).name ?? host) : host
}
