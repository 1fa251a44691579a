/** Writes down on which day a token was last used: once a day, however many APIs it asks. */
import { exists, put } from '../store/store.ts'
import { objectKey, usedKey } from './keys.ts'
import type { Model } from './model.ts'

/** Tokens whose day is being written. */
const writing = new WeakMap<Model, Set<string>>()

/** The day on which a token was last used; null: never, or before anybody wrote it down. */
export const lastUsed = ({ claim }: Pick<Model['mirror'], 'claim'>, token: string): string | null =>
  claim(usedKey(token))?.value.day ?? null

/** Note that a token is used. It is not waited for: a store that does not answer stops nobody. */
export function noteUse(model: Model, token: string, now: number): void {
  const day = new Date(now).toISOString().slice(0, 10)
  const under = writing.get(model) ?? new Set()
  writing.set(model, under)
  if (lastUsed(model.mirror, token) === day || under.has(token)) return
  under.add(token)
  const forget = (): boolean => under.delete(token)
  const written = model.store.commit({ if: [exists(objectKey('token', token))], write: [put(usedKey(token), JSON.stringify({ day }))] })
  void written.then((result) => model.mirror.reach(result.revision)).then(forget, forget)
}
