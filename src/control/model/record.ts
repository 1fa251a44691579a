/** What the store holds: objects, the markers of those that are gone, claims. Values are JSON. */
import type { AuditItem } from '#resource/audit-item.ts'
import type { Stamp } from '#resource/envelope.ts'

export type Spec = Readonly<Record<string, unknown>>

/** An object. */
export interface ObjectRecord {
  /** Version of this form. */
  readonly v: 1
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly protected: boolean
  /** Whose it is: null for what the cloud's operator owns. */
  readonly org: string | null
  readonly account: string | null
  readonly vpc: string | null
  readonly generation: number
  readonly created: Stamp
  readonly updated: Stamp
  readonly spec: Spec
  /** Names of fields whose values the API chose, with spaces between. An export leaves them out. */
  readonly chosen?: string
  /** SHA-256 of a token, hexadecimal. Users never see it. */
  readonly hash?: string
  /** What users saw as its revision when the API wrote it without a change that they see. */
  readonly revision?: number
  /** Somebody destroys it: nothing may begin to use it until this time, in ms. */
  readonly closingUntil?: number
  /** Of a vnic: where it is plugged in. */
  readonly binding?: Binding
  /** Of a vnic: how often it was plugged in, moved or unplugged. The highest counts. */
  readonly epoch?: number
  /** Of a vnic that has moved: the hosts that send its frames on. Records of earlier versions have one, and no list. */
  readonly left?: readonly Leaving[] | Leaving
  /** Of a vnic whose guest is on its way between two hosts, both of which have its interface. */
  readonly migration?: Migration
  /** Of a host: the token that a machine may join with, or has joined with. */
  readonly join?: Join
  /** Of a host that a machine has joined as: the only key whose certificates count. */
  readonly agent?: { readonly key: string; readonly joined: string }
  /** Of a pool: which of several hosts with its wire has its packets, and since when. Left out: the first one. */
  readonly wire?: { readonly host: string; readonly since: string }
  /** Of a host: it shall be empty. Ends when it takes guests again. */
  readonly drain?: { readonly since: string }
}

/** How long a door stays closed when whoever closed it dies. */
export const doorMs = 10_000

/**
 * Does somebody destroy it now? A door that is closed for much longer was closed by a clock that was ahead: it counts
 * as open. Opening one in vain does no harm: the destruction notices.
 */
export const isClosing = ({ closingUntil }: ObjectRecord, now: number): boolean =>
  closingUntil !== undefined && closingUntil > now && closingUntil <= now + 6 * doorMs

/** A join token: the store has the SHA-256 of its secret alone. */
export interface Join {
  readonly id: string
  readonly hash: string
  /** In ms. */
  readonly expires: number
  /** The key that used it. */
  readonly used?: string
}

/** Where a vnic is plugged in. */
export interface Binding {
  /** Id of the host. */
  readonly host: string
  readonly unit: 'vmnic' | 'hostif'
}

/**
 * A guest that moves while it runs. Until it is plugged in at the other host, that host keeps the interface out of
 * service (`prepare`), then in service (`receive`). From then on the other host is the one that it comes from, where it
 * may still send (`leave`).
 */
export interface Migration {
  readonly host: string
  readonly phase: 'prepare' | 'receive' | 'leave'
  /**
   * Later with each word of its command that it goes on, in ms: an API that hears none for `migrationMs` ends it.
   * Commands of earlier versions never say so: an API ends their moves after `silentMigrationMs`.
   */
  readonly until?: number
}

/** How long a move lasts whose command says nothing more. */
export const migrationMs = 120_000
/** And one whose command has never said that it goes on: a large guest may take long, and its command may have died. */
export const silentMigrationMs = 4 * 3_600_000

/** The hosts that have the interface of a vnic: one, or two while it is on its way. */
export const hostsWith = ({ binding, migration }: Pick<ObjectRecord, 'binding' | 'migration'>): readonly string[] =>
  binding === undefined ? [] : migration === undefined ? [binding.host] : [binding.host, migration.host]

/** A host that a vnic has left: it sends frames for it on, until when, in ms. */
export interface Leaving {
  readonly host: string
  readonly until: number
}

/** The hosts that a vnic has left, each once. */
export const leftBy = ({ left }: Pick<ObjectRecord, 'left'>): readonly Leaving[] =>
  left === undefined ? [] : Array.isArray(left) ? (left as readonly Leaving[]) : [left as Leaving]

/** What is left of a destroyed object: its id is never used again. */
export interface GoneRecord {
  readonly v: 1
  readonly gone: Stamp
  readonly org: string | null
  readonly account: string | null
  readonly vpc: string | null
}

/** An audit record, as the store has it. */
export interface AuditRecord extends AuditItem {
  /** Its key in the store. */
  readonly key?: string
}

/** Who has a unique thing, or since when it is free. */
export interface ClaimRecord {
  readonly kind?: string
  readonly id?: string
  /** An address reservation, beside the vnic that uses it. */
  readonly reservation?: string
  /** More about an address: what forwarding needs. */
  readonly mac?: string
  readonly groups?: readonly string[]
  readonly host?: string
  readonly epoch?: number
  /** Of a session: its token, what its requests say in a header, and when it ends, in ms. */
  readonly session?: { readonly token: string; readonly csrf: string; readonly expires: number }
  /** Of a token: the day on which it was last used. */
  readonly day?: string
  /** When it became free, in ms. */
  readonly freed?: number
}

/** What a host cannot do of a vnic, for as long as it cannot. */
export interface Exception extends Record<never, never> {
  readonly host: string
  readonly epoch: number
  readonly code: string
  readonly text: string
  readonly since: string
}

/** An object with the revision of its key. */
export interface Stored {
  readonly record: ObjectRecord
  readonly modified: number
}

/** The revision that users see. */
export const revisionOf = ({ record, modified }: Stored): string => String(record.revision ?? modified)

/** The id of an object in a spec. */
export const textIn = (spec: Spec, field: string): string | undefined => {
  const value = spec[field]
  return typeof value === 'string' ? value : undefined
}
