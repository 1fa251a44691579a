/**
 * Reports to following handles which objects changed: a revision for each transaction. It keeps the last changes, so
 * that a follower that was away can go on where it was. A follower that was away too long, or while vpcd was replaced,
 * gets `reset`: it must read everything.
 */
import { randomBytes } from 'node:crypto'
import type { ChangeAction, FollowRequest, ObjectChange, ObjectChanges } from '#abi/info.ts'
import type { Id } from '#abi/id.ts'
import type { Handle } from './handle.ts'
import { unitName, type VpcObject } from './store/model.ts'

/** Number of changes that are kept, and the most that one event names. */
const kept = 4096
const mostAtOnce = 1000

interface Transacted {
  readonly number: number
  readonly changes: readonly ObjectChange[]
  readonly reset: boolean
}

export class ChangeLog {
  /** Each vpcd has another, so that it does not take revisions of another vpcd for its own. */
  readonly #instance = randomBytes(4).toString('hex')
  readonly #followers = new Set<Handle>()
  readonly #known = new Set<Id>()
  #log: Transacted[] = []
  #size = 0
  #number = 0

  /** The objects of a start: no follower hears of them. */
  begin(objects: Iterable<VpcObject>): void {
    for (const { id } of objects) this.#known.add(id)
  }

  /** Record a transaction that touched these objects. */
  note(objects: ReadonlySet<VpcObject>): void {
    if (objects.size === 0) return
    const changes = [...objects].flatMap((object) => {
      const action = this.#actionOf(object)
      return action === undefined ? [] : [{ action, type: object.type, id: object.id, unit: unitName(object) }]
    })
    if (changes.length === 0) return
    const previous = this.#revision()
    const reset = changes.length > mostAtOnce
    this.#keep({ number: ++this.#number, changes: reset ? [] : changes, reset })
    const event: ObjectChanges = { revision: this.#revision(), previous, reset, changes: reset ? [] : changes }
    const payload = Buffer.from(JSON.stringify(event))
    for (const handle of this.#followers) handle.onEvent?.(payload)
  }

  /** Report all later changes to a handle, and returns those since a revision. */
  follow(handle: Handle, { from = null }: FollowRequest): ObjectChanges {
    this.#followers.add(handle)
    const since = this.#since(from)
    return { revision: this.#revision(), previous: from, reset: since === undefined, changes: since ?? [] }
  }

  /** The handle is closed. */
  forget(handle: Handle): void {
    this.#followers.delete(handle)
  }

  /** Undefined: vpcd does not know them any more. */
  #since(revision: string | null): ObjectChange[] | undefined {
    const [instance, digits = ''] = revision?.split('-') ?? []
    const number = Number(digits)
    const oldest = this.#log[0]?.number ?? this.#number + 1
    if (instance !== this.#instance || !/^\d+$/.test(digits) || number > this.#number || number < oldest - 1) return undefined
    const later = this.#log.filter((each) => each.number > number)
    return later.some(({ reset }) => reset) ? undefined : later.flatMap(({ changes }) => changes)
  }

  #actionOf({ id, dead }: VpcObject): ChangeAction | undefined {
    if (dead) return this.#known.delete(id) ? 'remove' : undefined
    if (this.#known.has(id)) return 'change'
    this.#known.add(id)
    return 'create'
  }

  #keep(transacted: Transacted): void {
    this.#log.push(transacted)
    this.#size += transacted.changes.length + 1
    while (this.#size > kept) this.#size -= this.#log.shift()!.changes.length + 1
  }

  #revision(): string {
    return `${this.#instance}-${this.#number}`
  }
}
