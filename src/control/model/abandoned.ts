/**
 * Ends the moves of guests whose command is gone. Whoever moves a guest says again and again that it goes on. When
 * nobody does, the host where the guest is not placed loses its interface, and with it the right to send in its name.
 */
import type { ObjectChange } from './mirror.ts'
import { amend, systemCaller } from './amend.ts'
import type { Model } from './model.ts'
import { Problem } from './problem.ts'
import { migrationMs, silentMigrationMs, type Migration, type ObjectRecord } from './record.ts'
import { uuidV7 } from './uuid.ts'

const tickMs = 5_000

/**
 * The time is counted here, from when this process heard it: another clock may be ahead, and while the API or the store
 * was away nobody could say that a move goes on.
 */
interface Move {
  /** The migration, as JSON. */
  readonly said: string
  readonly until: number
}

export interface AbandonedOptions {
  readonly failed?: (error: unknown) => void
  /** The time that is written down. */
  readonly now?: () => number
  /** Ms of a clock that never jumps. */
  readonly elapsed?: () => number
}

export class Abandoned {
  readonly #model: Model
  readonly #now: () => number
  readonly #elapsed: () => number
  readonly #failed: (error: unknown) => void
  /** Vnics on their way: what was said of each, and until when it counts. */
  readonly #moves = new Map<string, Move>()
  readonly #timer: NodeJS.Timeout
  readonly #unlisten: () => void

  constructor(model: Model, { failed = () => {}, now = Date.now, elapsed = () => performance.now() }: AbandonedOptions = {}) {
    this.#model = model
    this.#now = now
    this.#elapsed = elapsed
    this.#failed = failed
    const { mirror } = model
    this.#load()
    this.#unlisten = mirror.listen(mirror.revision, (batch) => {
      if (batch === undefined) this.#load()
      else for (const change of batch.changes) this.#apply(change)
    }).end
    this.#timer = setInterval(() => void this.end().catch(this.#failed), tickMs).unref()
  }

  #load(): void {
    const { objects } = this.#model.mirror
    this.#moves.clear()
    for (const { record } of objects.alikeVnics()) this.#note(record)
  }

  #apply({ before, after }: ObjectChange): void {
    if (after !== undefined) this.#note(after.record)
    else if (before?.record.kind === 'vnic') this.#moves.delete(before.record.id)
  }

  #note({ kind, id, migration }: ObjectRecord): void {
    if (kind !== 'vnic') return
    if (migration === undefined) return void this.#moves.delete(id)
    const said = JSON.stringify(migration)
    // Another change of the vnic is not a word of its command.
    if (this.#moves.get(id)?.said !== said) this.#moves.set(id, { said, until: this.#elapsed() + lifeOf(migration) })
  }

  /** End the moves that nobody has spoken of for too long. */
  async end(): Promise<void> {
    for (const [id, { said, until }] of this.#moves) {
      if (until > this.#elapsed()) continue
      try {
        await this.#endOf(id, said)
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        // It is being destroyed; or the store is away, so its command cannot speak, and has all the time again.
        if (this.#moves.get(id)?.said === said) this.#moves.set(id, { said, until: this.#elapsed() + migrationMs })
      }
    }
  }

  async #endOf(id: string, said: string): Promise<void> {
    const now = this.#now()
    const caller = systemCaller('system:abandoned-migration', 'here')
    const ask = { caller, request: uuidV7(now), method: 'DELETE', now, isDryRun: false }
    await amend(this.#model, { kind: 'vnic', id, ask, change: ({ record }) => withoutMigration(record, said) })
  }

  /** Look no more. */
  stop(): void {
    clearInterval(this.#timer)
    this.#unlisten()
  }
}

const lifeOf = ({ until }: Migration): number => (until === undefined ? silentMigrationMs : migrationMs)

/** Another process may have ended it, or its command may have spoken again. */
function withoutMigration({ migration, ...rest }: ObjectRecord, said: string): { record: ObjectRecord; fields: string[] } | undefined {
  return migration === undefined || JSON.stringify(migration) !== said ? undefined : { record: rest, fields: ['migration'] }
}
