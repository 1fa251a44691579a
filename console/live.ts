/** Resources as they are now: lists that the API gives, kept up to date by its stream of changes. */
import { useEffect, useReducer } from 'preact/hooks'
import { kindOf } from '#resource/kinds.ts'
import { ask, problemOf, type ProblemBody, type Resource } from './api.ts'

/** How long after a failure a list is asked for again. */
const againMs = 2_000
/** More of one kind are not loaded into a browser: the page says so. */
export const mostItems = 20_000
/** States that the API derives change without an event: what is shown is asked for again after this time. */
const derivedMs = 5_000

export interface Collection {
  readonly items: ReadonlyMap<string, Resource>
  readonly isReady: boolean
  readonly isCut: boolean
  readonly problem: ProblemBody | undefined
}

interface Loading extends Collection {
  items: Map<string, Resource>
  isReady: boolean
  isCut: boolean
  problem: ProblemBody | undefined
  isLoading: boolean
  users: number
  loadedAt: number
}

const empty: Collection = { items: new Map(), isReady: false, isCut: false, problem: undefined }
const collections = new Map<string, Loading>()
const listeners = new Set<() => void>()
let isTelling = false

export type LiveState = 'off' | 'connecting' | 'live'
let source: EventSource | undefined
let state: LiveState = 'off'
let opened = Promise.withResolvers<void>()
let timer: ReturnType<typeof setInterval> | undefined

/** Many changes of one moment are drawn once. */
function tell(): void {
  if (isTelling) return
  isTelling = true
  setTimeout(() => {
    isTelling = false
    for (const listener of listeners) listener()
  }, 16)
}

/** Begin to follow changes. */
export function startLive(): void {
  if (source !== undefined) return
  setState('connecting')
  source = new EventSource('/v1/watch')
  source.addEventListener('open', () => {
    setState('live')
    opened.resolve()
  })
  source.addEventListener('put', ({ data }) => put(JSON.parse(data) as Resource))
  source.addEventListener('delete', ({ data }) => remove(JSON.parse(data) as Resource))
  source.addEventListener('reset', again)
  source.addEventListener('error', () => {
    setState('connecting')
    // The browser connects again by itself, unless the API has refused.
    if (source?.readyState === EventSource.CLOSED) setTimeout(again, 3_000)
  })
  timer ??= setInterval(refreshDerived, derivedMs)
}

/** Forget everything: somebody signs out. */
export function stopLive(): void {
  source?.close()
  source = undefined
  opened = Promise.withResolvers<void>()
  clearInterval(timer)
  timer = undefined
  collections.clear()
  setState('off')
}

/** Begin anew, and list again what pages use. */
function again(): void {
  if (source === undefined) return
  source.close()
  source = undefined
  opened = Promise.withResolvers<void>()
  // Who is no longer signed in is told so by this.
  void ask('GET', '/session').then(startLive, () => (state === 'off' ? undefined : setTimeout(startLive, 3_000)))
  for (const [kind, { users }] of collections) if (users > 0) void load(kind)
}

function setState(next: LiveState): void {
  state = next
  tell()
}

function put(resource: Resource): void {
  const collection = collections.get(resource.kind)
  if (collection === undefined) return
  collection.items.set(resource.id, resource)
  tell()
}

/** Take a change of this page at once, before its event comes. */
export const noteWritten = put

function remove({ kind, id }: Pick<Resource, 'kind' | 'id'>): void {
  collections.get(kind)?.items.delete(id)
  tell()
}

/** Take a deletion of this page at once. */
export const noteRemoved = remove

function refreshDerived(): void {
  if (document.visibilityState !== 'visible') return
  for (const [name, { users, isLoading, loadedAt, items }] of collections) {
    // Long lists are asked for less often.
    const isOld = Date.now() - loadedAt > derivedMs * Math.max(1, items.size / 500)
    if (users > 0 && !isLoading && isOld && kindOf(name).status !== undefined) void load(name)
  }
}

async function load(name: string): Promise<void> {
  const collection = collections.get(name)!
  if (collection.isLoading) return
  collection.isLoading = true
  try {
    await Promise.race([opened.promise, new Promise((done) => setTimeout(done, 3_000))])
    const { seen, revision } = await pages(name, collection)
    // What is missing in the list has gone, unless it came after the list was made.
    for (const [id, item] of collection.items) if (!seen.has(id) && Number(item.revision) <= revision) collection.items.delete(id)
    collection.problem = undefined
    collection.isReady = true
  } catch (error) {
    collection.problem = problemOf(error)
    // Who asks too much, and an API that is away for a moment, may ask again.
    if ([0, 429, 503].includes(collection.problem.status)) setTimeout(() => collection.users > 0 && void load(name), againMs)
  } finally {
    collection.isLoading = false
    collection.loadedAt = Date.now()
    tell()
  }
}

/** Ask for page after page. Gives the ids, and the revision that the first page showed. */
async function pages(name: string, collection: Loading): Promise<{ seen: ReadonlySet<string>; revision: number }> {
  const seen = new Set<string>()
  let revision: number | undefined
  let after: string | undefined
  const heard = (headers: Headers): void => void (revision ??= Number(headers.get('vpc-revision')))
  do {
    const path = `/${kindOf(name).plural}?limit=1000${after === undefined ? '' : `&after=${after}`}`
    const { items, next } = await ask<{ items: Resource[]; next?: string }>('GET', path, { heard })
    for (const item of items) {
      seen.add(item.id)
      // An event may have brought a later one.
      if (Number(collection.items.get(item.id)?.revision ?? 0) <= Number(item.revision)) collection.items.set(item.id, item)
    }
    after = next
    collection.isCut = after !== undefined && seen.size >= mostItems
  } while (after !== undefined && !collection.isCut)
  return { seen, revision: revision ?? 0 }
}

function collectionOf(name: string): Loading {
  let collection = collections.get(name)
  if (collection === undefined) {
    collection = { ...empty, items: new Map(), isLoading: false, users: 0, loadedAt: 0 }
    collections.set(name, collection)
    void load(name)
  }
  return collection
}

/** Draw again when something has changed. */
export function useLive(): LiveState {
  const [, draw] = useReducer((n: number) => n + 1, 0)
  useEffect(() => {
    const listener = (): void => draw(undefined as never)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return state
}

/** All resources of some kinds, for as long as a page shows them. */
export function useCollections(names: readonly string[]): (name: string) => Collection {
  useLive()
  const key = names.join()
  useEffect(() => {
    const used = names.map(collectionOf)
    for (const each of used) each.users++
    return () => used.forEach((each) => each.users--)
  }, [key])
  return (name) => collections.get(name) ?? empty
}

/** What is known about a resource now. */
export const known = (kind: string, id: string): Resource | undefined => collections.get(kind)?.items.get(id)
