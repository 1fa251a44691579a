/**
 * What goes over the connection between a host's agent and the API: TLS 1.3 with certificates of both sides.
 *
 * The agent opens `GET /agent/v1/feed?version=1&revision=…`; without `revision` it has nothing. The answer is a stream
 * of lines, a JSON message each. It never ends by itself. The agent answers by `POST /agent/v1/report`. An API that
 * does not know the version answers 426.
 *
 * `held=…` says what the agent holds (`Held`). An API that does not know what changed since the revision compares it,
 * and tells the difference alone. `checked=1`: since it started the agent has heard all, so the revision says enough;
 * before, what it holds is from its disk. `transit=1`: it knows transits; others are told no host of another facility.
 * An API of before these words does not read them, and tells everything.
 */
import type { Buckets } from './held.ts'
import type { FeedItem, FeedKind } from './item.ts'

/** Version of messages and items. The API serves this one and the one before. */
export const feedVersion = 1

export const feedPath = '/agent/v1/feed'
export const reportPath = '/agent/v1/report'
export const lookupPath = '/agent/v1/lookup'

/** How often the API sends a `ping`, at least. An agent that hears nothing for three times as long connects anew. */
export const pingEveryMs = 5_000
/** A host that answers pings and has not been heard for so long is gone, whatever its connection says. */
export const hostSilenceMs = 4 * pingEveryMs

/** Messages of the API. */
export type FeedMessage =
  /** The first one: who the API takes the agent for. `whole`: all items follow, and what is not among them is gone. */
  | { readonly type: 'hello'; readonly host: string; readonly version: number; readonly whole: boolean }
  /** To an agent that said what it holds: all of these buckets follows, and what is not told of them is gone. */
  | ({ readonly type: 'buckets' } & Buckets)
  | { readonly type: 'put'; readonly item: FeedItem }
  | { readonly type: 'delete'; readonly kind: FeedKind; readonly id: string }
  /** Everything up to this revision has been sent. What came since the last `sync` belongs together. */
  | { readonly type: 'sync'; readonly revision: string; /** Ids of the requests that it is from. */ readonly requests?: readonly string[] }
  /** An answer to a lookup: no vnic with this address is plugged in anywhere. The agent may ask again after 5 s. */
  | { readonly type: 'nobody'; readonly vpc: string; readonly address: string }
  | { readonly type: 'ping' }
  /** This host is removed or disabled: the agent keeps what runs, and asks once in a while whether it may come back. */
  | { readonly type: 'bye'; readonly reason: string }

/**
 * What an agent reports: how far it is, and what is not as it should be. Sent when one of them changes, and after each
 * ping.
 */
export interface AgentReport {
  /** The host does what the feed said up to here, but for the errors. */
  readonly revision: string
  /** Everything that fails now, by item. What is not in it works. */
  readonly errors: readonly ItemError[]
  readonly agent: { readonly version: string; readonly feed: number }
  /** The vpcd there, and which of src/feed/features.ts it lacks. Agents of before this field say nothing. */
  readonly vpcd?: { readonly version: string; readonly lacks: readonly string[] }
  /** It answers each ping with a report: when it does not, its host is gone. Agents of before this field do not. */
  readonly answersPings?: true
}

export interface ItemError {
  readonly kind: FeedKind
  readonly id: string
  /** `no-room`, `conflict`, `interface-missing`, `vpcd-away`, `too-old`, `no-ipsec`, `failed`. */
  readonly code: string
  /** For people: what was asked, what stood against it, what to do. */
  readonly text: string
  /** When it began: RFC 3339. */
  readonly since: string
  readonly tries: number
}

/**
 * `POST /agent/v1/lookup`: addresses, names and MACs of stations of vpcs with resolution `demand`, 256 at most each.
 * The answers come by the feed, and from then on what becomes of these stations. The API keeps stations back from those
 * agents alone that open the feed with `lookup=1`. Before it opens a feed, an agent says here which stations it has.
 */
export interface Lookup {
  readonly vpc: string
  readonly addresses: readonly string[]
  /** Host names, as stations have them. Nothing is said of a name that no guest has. */
  readonly names?: readonly string[]
  /** MAC addresses that guests send to and that nobody here knows: they may have learnt them on another host. */
  readonly macs?: readonly string[]
  /** Ids of vnics whose stations the agent has from a feed before, 4096 at most. */
  readonly vnics?: readonly string[]
}

/** How long an agent takes it for true that nobody has an address. */
export const nobodyMs = 5_000
