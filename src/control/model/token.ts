/** Tokens as texts: `vpc_<id>_<secret>`. The store holds the SHA-256 of the secret alone. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { fromMapped, parseIp, toMapped } from '#wire/ip-address.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import { grantsOf, type Caller } from './caller.ts'
import type { Objects } from './objects.ts'

const pattern = /^vpc_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

/** A new secret for a token's id, and what the store holds of it. */
export function makeToken(id: string): { text: string; hash: string } {
  const secret = randomBytes(32).toString('base64url')
  return { text: `vpc_${id}_${secret}`, hash: hashOf(secret) }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Who a token stands for. Undefined: nobody. */
export function callerOf(objects: Objects, text: string, source: string, now: number): Caller | undefined {
  const [, id, secret] = pattern.exec(text) ?? []
  if (id === undefined) return undefined
  const hash = Buffer.from(hashOf(secret!), 'hex')
  const stored = objects.get('token', id)
  // The same work for a token that is not there.
  const known = Buffer.from(stored?.record.hash ?? '00'.repeat(32), 'hex')
  return timingSafeEqual(hash, known) ? callerById(objects, id, source, now) : undefined
}

/** Who a token stands for now, by its id: it may have been revoked since. */
export function callerById(objects: Objects, id: string, source: string, now: number): Caller | undefined {
  const token = objects.get('token', id)?.record
  if (token === undefined || Date.parse(token.spec.expires as string) <= now) return undefined
  if (!isFrom(token.spec.sources as readonly string[] | undefined, source)) return undefined
  const principal = objects.get('principal', token.spec.principal as string)?.record
  if (principal === undefined || principal.spec.disabled === true) return undefined
  const account = principal.account === null ? undefined : objects.get('account', principal.account)?.record
  if (account?.spec.disabled === true) return undefined
  return { principal: principal.id, token: id, account: principal.account, grants: grantsOf(objects, principal.id), source }
}

/** Does an address lie in one of these networks? Without networks, every address does. */
function isFrom(sources: readonly string[] | undefined, source: string): boolean {
  // The API itself asks what a token is worth.
  if (sources === undefined || sources.length === 0 || source === '') return true
  const parsed = parseIp(source)
  const ip = parsed.ok ? fromMapped(toMapped(parsed.value)) : undefined
  return ip !== undefined && sources.some((text) => contains(prefixFrom(text), ip))
}
