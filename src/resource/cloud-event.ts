/** What happened in a cloud, as the API tells it: changes with who made them, states, sums of what hosts dropped. */

export const eventNames = ['created', 'changed', 'destroyed', 'state', 'drops', 'nat-exhausted'] as const

export interface CloudEvent {
  /** RFC 3339. */
  readonly time: string
  readonly event: (typeof eventNames)[number]
  readonly kind: string
  readonly id: string
  /** Its name, with those of its parents where it has some. */
  readonly name: string | null
  readonly account: string | null
  readonly vpc: string | null
  /** Of a vnic: where it is plugged in. */
  readonly host: { readonly id: string; readonly name: string | null } | null
  /** The request that changed it; of a state: the last one since the stream began. Logs have it, too. */
  readonly request: string | null
  /** Who changed it; null: nobody did, or the asker may not know. */
  readonly by: { readonly id: string; readonly name: string | null } | null
  /** Of a change. */
  readonly fields?: readonly string[]
  /** Of a state. */
  readonly state?: string
  readonly late?: boolean
  readonly problem?: { readonly code: string; readonly text: string; readonly since: string } | null
  /** Dropped packets by reason, from `since` to `time`. */
  readonly drops?: Readonly<Record<string, number>>
  readonly since?: string
}
