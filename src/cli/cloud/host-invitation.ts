/** The join token of a host, for the person who types it on the machine that is to be the host. */
import type { Resource } from '#resource/envelope.ts'
import { refusal, type ApiClient } from './api-client.ts'

/** What the API answers. */
export interface Invitation {
  readonly token: string
  readonly expires: string
  readonly server: string
  readonly command: string
}

/** Ask for a new token of a host. Throws a Failure when the API refuses. */
export async function invite(client: ApiClient, host: Resource): Promise<Invitation> {
  const what = `make a join token of host ${host.name}`
  return (await client.must<Invitation>(what, 'POST', `/hosts/${host.id}/token`)).body
}

/** Ask for the token of a host that was just made: it stays, whatever becomes of that. */
export async function inviteNew(client: ApiClient, host: Resource): Promise<{ readonly join?: Invitation; readonly text: string }> {
  const what = `make its join token`
  const answer = await client.ask('POST', `/hosts/${host.id}/token`)
  if (answer.status >= 400) return { text: `${refusal(what, answer).message}\nlater: vpc host token ${host.name}` }
  const join = answer.body as Invitation
  return { join, text: invitationText(join) }
}

/** What to type where. */
export function invitationText({ command, expires, server }: Invitation): string {
  const own = /^(127\.|\[::1\]|localhost)/.test(server)
  const hint = own ? '\nthe API takes agents of its own machine alone; for others, start it with --agent-listen=0.0.0.0:7474' : ''
  return `on the machine that is to be this host, before ${expires}:\n${command}${hint}`
}
