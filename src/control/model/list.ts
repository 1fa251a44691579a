/** Lists in pages: in the order of ids, which never changes, and with filters by equality. */
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import { mayRead, type Caller } from './caller.ts'
import { find } from './find.ts'
import type { Mirror } from './mirror.ts'
import { fieldProblem, Problem } from './problem.ts'
import type { Spec, Stored } from './record.ts'
import { stateOf } from './view.ts'

export type Filter = (stored: Stored) => boolean

export interface Query {
  readonly mirror: Mirror
  readonly caller: Caller
  readonly now: number
}

/** Words of a query that are not filters. */
const reserved = new Set(['cascade', 'limit', 'after', 'kind', 'dry-run', 'wait', 'timeout', 'seconds', 'states'])

/** The filter of a query's words, or undefined: nothing can pass. Throws a Problem for a word that is none. */
export function filterOf(
  query: Query,
  kind: Kind,
  words: Iterable<readonly [string, string]>,
): { filter: Filter; account: string | undefined } | undefined {
  const filters: Filter[] = []
  let account: string | undefined
  for (const [word, value] of words) {
    if (reserved.has(word)) continue
    const made = one(query, kind, word, value)
    if (made === undefined) return undefined
    filters.push(made.filter)
    account ??= made.account
  }
  return { filter: (stored) => filters.every((each) => each(stored)), account }
}

interface Made {
  readonly filter: Filter
  readonly account?: string
}

function one(query: Query, kind: Kind, word: string, value: string): Made | undefined {
  if (word === 'name') return { filter: ({ record }) => record.name === value }
  if (word === 'state') return { filter: ({ record }) => stateOf(query, record) === value }
  if (word === 'label') {
    const [key = '', ...rest] = value.split('=')
    return { filter: ({ record }) => Object.hasOwn(record.labels, key) && record.labels[key] === rest.join('=') }
  }
  if (word === 'address' && kind.kind === 'vnic') return { filter: ({ record }) => (record.spec.addresses as string[]).includes(value) }
  if (word === 'host' && kind.kind === 'vnic') return onHost(query, value)
  const target = word === 'org' || word === 'account' || word === 'vpc' ? word : referenceOf(kind, word)
  if (target === undefined) {
    const own = kind.kind === 'vnic' ? ['address', 'host'] : []
    const known = [
      'name',
      'state',
      'label',
      'account',
      'vpc',
      ...own,
      ...Object.keys(kind.fields).filter((name) => referenceOf(kind, name)),
    ]
    throw fieldProblem(
      'invalid',
      [word],
      `${kind.plural} have no filter '${word.slice(0, 64)}'; they have ${[...new Set(known)].join(', ')}`,
    )
  }
  return byReference(query, kind, word, target, value)
}

/** Vnics that are plugged in on a host. */
function onHost({ mirror, caller }: Query, value: string): Made | undefined {
  const found = find({ objects: mirror.objects, caller }, kindOf('host'), value)
  if (found.kind === 'many') throw fieldProblem('invalid', ['host'], `there are several of the name ${value}: ${found.paths.join(', ')}`)
  return found.kind === 'none' ? undefined : { filter: ({ record }) => record.binding?.host === found.stored.record.id }
}

function referenceOf({ fields }: Kind, word: string): string | undefined {
  const field = Object.hasOwn(fields, word) ? fields[word]! : undefined
  const inner = field?.type === 'list' ? field.of : field
  return inner?.type === 'reference' ? inner.to : undefined
}

function byReference({ mirror, caller }: Query, kind: Kind, word: string, target: string, value: string): Made | undefined {
  const found = find({ objects: mirror.objects, caller }, kindOf(target), value)
  if (found.kind === 'many') throw fieldProblem('invalid', [word], `there are several of the name ${value}: ${found.paths.join(', ')}`)
  if (found.kind === 'none') return undefined
  const { id } = found.stored.record
  const isWall = word === 'org' || word === 'account' || word === 'vpc'
  const has = (spec: Spec): boolean => spec[word] === id || (Array.isArray(spec[word]) && spec[word].includes(id))
  const filter: Filter = ({ record }) => (isWall && record[word] === id) || has(record.spec)
  return { filter, ...(word === 'account' && kind.wall === 'account' && kind.kind !== 'role-binding' && { account: id }) }
}

export interface Page {
  readonly items: readonly Stored[]
  /** The token of the next page. */
  readonly next: string | undefined
}

/** One page. */
export function listPage(query: Query, kind: Kind, words: URLSearchParams): Page {
  const limit = limitOf(words.get('limit'))
  const made = filterOf(query, kind, words)
  if (made === undefined) return { items: [], next: undefined }
  const { objects } = query.mirror
  const items: Stored[] = []
  // Someone of one account alone need not walk over the others' things.
  const account = made.account ?? onlyAccount(query.caller, kind)
  for (const id of objects.ids(kind.kind, account, afterOf(words.get('after')))) {
    const stored = objects.get(kind.kind, id)!
    if (!made.filter(stored) || !mayRead(query.caller, objects, stored)) continue
    if (items.length === limit) return { items, next: Buffer.from(items.at(-1)!.record.id).toString('base64url') }
    items.push(stored)
  }
  return { items, next: undefined }
}

function onlyAccount({ grants }: Caller, kind: Kind): string | undefined {
  const first = grants[0]?.account ?? undefined
  const isOne = first !== undefined && grants.every(({ account }) => account === first)
  return isOne && kind.wall === 'account' && kind.kind !== 'peering' ? first : undefined
}

function limitOf(text: string | null): number {
  if (text === null) return 100
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 1000) return limit
  throw new Problem('invalid', `limit: '${text.slice(0, 20)}' is not a number from 1 to 1000`)
}

function afterOf(text: string | null): string | undefined {
  if (text === null) return undefined
  const id = Buffer.from(text, 'base64url').toString()
  if (/^[0-9a-f-]{36}$/.test(id)) return id
  throw new Problem('invalid', 'after: this is not a token of a page; take `next` of the page before')
}
