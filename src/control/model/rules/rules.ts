/** What a kind has beside its table: what depends on other things. */
import type { Claim } from '../claims.ts'
import type { Draft } from '../draft.ts'
import type { Mirror } from '../mirror.ts'
import type { Problem } from '../problem.ts'
import type { ObjectRecord } from '../record.ts'

export interface Rules {
  /** Check what the table cannot say, and fill in what is allocated. Throws a Problem. */
  settle?(draft: Draft): void
  /** What an object must have alone. */
  claims?(record: ObjectRecord): Claim[]
  /** What it is doing. Default: ok. */
  state?(record: ObjectRecord, at: { readonly mirror: Mirror; readonly now: number }): string
  /** Why it cannot be destroyed as it is now, besides that others use it. */
  refuseDestroy?(record: ObjectRecord): Problem | undefined
}
