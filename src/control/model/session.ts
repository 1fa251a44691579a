/**
 * Sessions of browsers: a cookie that scripts cannot read stands for a token. The store has the SHA-256 of its secret.
 * A session ends with its token.
 */
import { createHash, randomBytes } from 'node:crypto'
import { absent, del, put } from '../store/store.ts'
import type { Caller } from './caller.ts'
import { dayText } from './draft.ts'
import { expiryKey, sessionKey } from './keys.ts'
import type { Model } from './model.ts'
import type { ClaimRecord } from './record.ts'
import { storeProblem } from './store-problem.ts'
import { callerById } from './token.ts'
import { uuidV7 } from './uuid.ts'

/** How long a session lasts. */
export const sessionMs = 12 * 3_600_000
const dayMs = 86_400_000

export type Session = NonNullable<ClaimRecord['session']>

const keyOf = (secret: string): string => sessionKey(createHash('sha256').update(secret).digest('hex'))

/** Begin a session for the token of a caller. */
export async function beginSession(model: Model, { token }: Caller, now: number): Promise<{ secret: string; session: Session }> {
  const secret = randomBytes(32).toString('base64url')
  const session = { token, csrf: randomBytes(24).toString('base64url'), expires: now + sessionMs }
  const key = keyOf(secret)
  const forget = expiryKey(dayText(session.expires + dayMs), uuidV7(now))
  await change(model, { if: [absent(key)], write: [put(key, JSON.stringify({ session })), put(forget, JSON.stringify([key]))] })
  return { secret, session }
}

/** The session of a secret, while it lasts, and its caller. */
export function sessionOf(
  { mirror }: Model,
  secret: string,
  source: string,
  now: number,
): { readonly session: Session; readonly caller: Caller } | undefined {
  const session = mirror.claim(keyOf(secret))?.value.session
  const caller = session === undefined || session.expires <= now ? undefined : callerById(mirror.objects, session.token, source, now)
  return caller && { session: session!, caller }
}

/** End a session. */
export async function endSession(model: Model, secret: string): Promise<void> {
  await change(model, { if: [], write: [del(keyOf(secret))] })
}

async function change({ store, mirror }: Model, commit: Parameters<Model['store']['commit']>[0]): Promise<void> {
  try {
    await mirror.reach((await store.commit(commit)).revision)
  } catch (error) {
    throw storeProblem(error)
  }
}
