/** Bodies of requests: JSON of a bounded size, with the parents that the query names. */
import type { Kind } from '#resource/kind.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import type { Caller } from '../model/caller.ts'
import { Problem } from '../model/problem.ts'
import type { Spec, Stored } from '../model/record.ts'
import type { ApiContext } from './context.ts'

export const maxBodyBytes = 64 << 10

/** The JSON object of a request. */
export async function readBody(c: ApiContext): Promise<Spec> {
  const type = c.req.header('content-type') ?? 'application/json'
  if (!/^application\/(json|merge-patch\+json)\b/i.test(type))
    throw new Problem('invalid', `Content-Type: ${type.slice(0, 60)} is not application/json`)
  const text = await readText(c)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid', `the body is not JSON: ${(error as Error).message.slice(0, 200)}`)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Problem('invalid', 'the body is not a JSON object')
  if (!isShallow(body, 12)) throw new Problem('invalid', 'the body is nested too deeply')
  return body as Spec
}

/** The text of a request, of a bounded size. */
export async function readText(c: ApiContext, maxBytes = maxBodyBytes): Promise<string> {
  const reader = c.req.raw.body?.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader!.read()) {
    size += part.value.length
    if (size > maxBytes) throw new Problem('too-large', `the body has more than ${maxBytes} bytes`)
    parts.push(part.value)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new Problem('invalid', 'the body is not UTF-8')
  }
}

/** Is a value nested no deeper than this? */
export const isShallow = (value: unknown, depth: number): boolean =>
  typeof value !== 'object' || value === null || (depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1)))

/** A body with its parent: the one that there is, that the query names, or the caller's account. */
export function withParent(
  kind: Kind,
  body: Spec,
  before: Stored | undefined,
  query: Readonly<Record<string, string>>,
  caller: Caller,
): Spec {
  const { parent } = kind
  if (parent === undefined || (body[parent] !== undefined && body[parent] !== null)) return body
  // Whoever belongs to an account makes things there; others name one.
  const own = parent === 'account' ? (caller.account ?? undefined) : undefined
  const value = before === undefined ? (query[parent] ?? own) : before.record.spec[parent]
  return value === undefined ? body : { ...body, [parent]: value }
}

/** What RFC 7396 makes of an object and a patch. Null stays: a schema takes it for absent, and refuses unknown keys. */
export function patched(before: Stored, patch: Spec): Spec {
  const { name, description, labels, protected: isProtected, spec } = before.record
  const merged = merge({ name, description, protected: isProtected, ...spec }, { ...patch, labels: undefined }) as Record<string, unknown>
  merged.labels = patch.labels === undefined ? labels : withoutNull(merge(labels, patch.labels))
  return merged
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return patch
  const result: Record<string, unknown> = isPlainObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) set(result, key, value === null ? null : merge(result[key], value))
  return result
}

/** Also for a key like `__proto__`, which an assignment would take for something else. */
const set = (object: object, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })

const withoutNull = (value: unknown): unknown =>
  isPlainObject(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)) : value
