/** Who is signed in, and what they may do. */
import { kindOf } from '#resource/kinds.ts'
import { ask, useCsrf } from './api.ts'
import { startLive, stopLive } from './live.ts'

interface Grant {
  readonly role: string
  readonly org: string | null
  readonly account: string | null
  readonly vpc: string | null
}

export interface Whoami {
  readonly principal: { readonly id: string; readonly name: string | null }
  readonly account: { readonly id: string; readonly name: string | null } | null
  readonly roles: readonly Grant[]
}

/** Go on with the session of the cookie; undefined: there is none. */
export async function resume(): Promise<Whoami | undefined> {
  try {
    return await begin(await ask('GET', '/session'))
  } catch {
    return undefined
  }
}

/** Sign in with a token. Throws a Refusal. */
export const signIn = async (token: string): Promise<Whoami> =>
  begin(await ask('POST', '/session', { headers: { authorization: `Bearer ${token}` } }))

async function begin({ csrf }: { csrf: string }): Promise<Whoami> {
  useCsrf(csrf)
  const whoami = await ask<Whoami>('GET', '/whoami')
  startLive()
  return whoami
}

/** End the session. */
export async function signOut(): Promise<void> {
  await ask('DELETE', '/session').catch(() => undefined)
  useCsrf('')
  stopLive()
}

/** Whether somebody may change things of a kind anywhere. The API decides for each. */
export const mayWrite = ({ roles }: Whoami, kind: string): boolean =>
  roles.some(({ role }) => (kindOf(kind).write as readonly string[]).includes(role))

/** Whether somebody may read things of a kind anywhere. */
export function mayRead({ roles }: Whoami, kind: string): boolean {
  const { read } = kindOf(kind)
  return read === 'everybody' || roles.some(({ role }) => (read as readonly string[]).includes(role))
}
