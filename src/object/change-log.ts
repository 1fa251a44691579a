/**
 * Which objects changed, told to the handles that follow: a revision for each transaction. The last changes are kept,
 * so that a follower that was away goes on where it was. One that was away too long, or while vpcd was started anew, is
 * told to look at everything: `reset`.
 */
import { randomBytes } from 'node:crypto'
import type { ChangeAction, FollowRequest, ObjectChange, ObjectChanges } from '#abi/info.ts'
import type { Id } from '#abi/id.ts'
import type { Handle } from './handle.ts'
import { unitName, type VpcObject } from './store/model.ts'

/** Changes that are kept, and the most that one event names. */
const kept = 4096
const mostAtOnce = 1000

interface Transacted {
  readonly number: number
  readonly changes: readonly ObjectChange[]
  readonly reset: boolean
}

export class ChangeLog {
  /** Another vpcd has another, so its revisions are not taken for ours. */
  readonly #instance = randomBytes(4).toString('hex')
  readonly #followers = new Set<Handle>()
  readonly #known = new Set<Id>()
  #log: Transacted[] = []
  #size = 0
  #number = 0

  /** What a start found: nobody is told. */
  begin(objects: Iterable<VpcObject>): void {
    for (const { id } of objects) this.#known.add(id)
  }

  /** A transaction has happened that touched these objects. */
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

  /** Tell a handle of all that comes, and now what was since a revision. */
  follow(handle: Handle, { from = null }: FollowRequest): ObjectChanges {
    this.#followers.add(handle)
    const since = this.#since(from)
    return { revision: this.#revision(), previous: from, reset: since === undefined, changes: since ?? [] }
  }

  /** The handle is closed. */
  forget(handle: Handle): void {
    this.#followers.delete(handle)
  }

  /** Undefined: that is not known any more. */
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
