/**
 * Ends the moves of guests whose command is gone. Whoever moves a guest says again and again that it goes on. When
 * nobody does, the host where the guest is not placed loses its interface, and with it the right to send in its name.
 */
import type { ObjectChange } from './mirror.ts'
import { amend, systemCaller } from './amend.ts'
import type { Model } from './model.ts'
import { Problem } from './problem.ts'
import { type ObjectRecord, migrationMs } from './record.ts'
import { uuidV7 } from './uuid.ts'

const tickMs = 5_000

export class Abandoned {
  readonly #model: Model
  readonly #now: () => number
  readonly #failed: (error: unknown) => void
  /** Vnics on their way, and until when. A record of an earlier version says no time: it counts from now on. */
  readonly #until = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  readonly #unlisten: () => void

  constructor(model: Model, now: () => number, failed: (error: unknown) => void = () => {}) {
    this.#model = model
    this.#now = now
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
    this.#until.clear()
    for (const id of objects.ids('vnic')) this.#note(objects.get('vnic', id)!.record)
  }

  #apply({ before, after }: ObjectChange): void {
    if (before?.record.kind === 'vnic') this.#until.delete(before.record.id)
    if (after !== undefined) this.#note(after.record)
  }

  #note({ kind, id, migration }: ObjectRecord): void {
    if (kind === 'vnic' && migration !== undefined) this.#until.set(id, migration.until ?? this.#now() + migrationMs)
  }

  /** End the moves that nobody has spoken of for too long. */
  async end(): Promise<void> {
    for (const [id, until] of this.#until) {
      if (until > this.#now()) continue
      try {
        await this.#endOf(id)
      } catch (error) {
        // It is gone, or is being destroyed; or the store is away, and the next time comes.
        if (!(error instanceof Problem)) throw error
      }
    }
  }

  async #endOf(id: string): Promise<void> {
    const now = this.#now()
    const caller = systemCaller('system:abandoned-migration', 'here')
    const ask = { caller, request: uuidV7(now), method: 'DELETE', now, isDryRun: false }
    await amend(this.#model, { kind: 'vnic', id, ask, change: ({ record }) => withoutMigration(record, now) })
  }

  /** Look no more. */
  stop(): void {
    clearInterval(this.#timer)
    this.#unlisten()
  }
}

/** Another process may have ended it, or its command may have spoken again. */
function withoutMigration({ migration, ...rest }: ObjectRecord, now: number): { record: ObjectRecord; fields: string[] } | undefined {
  return migration === undefined || (migration.until ?? 0) > now ? undefined : { record: rest, fields: ['migration'] }
}
