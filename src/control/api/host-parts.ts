/** What an API has for hosts: their feeds, what they say, who is here, and other APIs that may know. */
import { Presence } from '../agents/presence.ts'
import { Counters } from '../feed/counters.ts'
import { Exceptions } from '../feed/exceptions.ts'
import { Feeds } from '../feed/feeds.ts'
import { Inquiries } from '../feed/inquiries.ts'
import { NatBlocks } from '../feed/nat-blocks.ts'
import { answerFor } from '../feed/wait.ts'
import { Abandoned } from '../model/abandoned.ts'
import type { Model } from '../model/model.ts'
import { Wires } from '../model/wires.ts'
import { uuidV7 } from '../model/uuid.ts'
import type { Store } from '../store/store.ts'
import { States } from './states.ts'

export interface HostParts {
  readonly feeds: Feeds
  readonly exceptions: Exceptions
  readonly counters: Counters
  readonly natBlocks: NatBlocks
  readonly states: States
  readonly inquiries: Inquiries
  readonly presence: Presence
  /** End the feeds, and write no more. The presence is stopped when all connections are gone. */
  stop(): void
}

/** Begin. `failed` hears what could not be done, and why. */
export function startHostParts(
  model: Model,
  store: Store,
  failed: (message: string, error: unknown) => void,
  now: () => number = Date.now,
): HostParts {
  const { mirror } = model
  const feeds = new Feeds(mirror)
  const connected = (): ReadonlySet<string> => feeds.connected
  const exceptions = new Exceptions(mirror, store)
  const inquiries = new Inquiries({ store, mirror, connected, answerFor: answerFor(feeds, mirror.hosts) })
  mirror.hosts.api = uuidV7(now())
  const presence = new Presence({ store, api: mirror.hosts.api, connected, now })
  feeds.onConnection(() => presence.changed())
  const abandoned = new Abandoned(model, { now, failed: (error) => failed('cannot end abandoned moves of guests', error) })
  const wires = new Wires(model, now, (error) => failed('cannot choose the hosts of wires', error))
  const stop = (): void => {
    void wires.stop()
    abandoned.stop()
    feeds.stop()
    exceptions.stop()
    inquiries.stop()
  }
  return {
    feeds,
    counters: new Counters(mirror),
    natBlocks: new NatBlocks(feeds.view, mirror, store, failed),
    states: new States(mirror, now),
    exceptions,
    inquiries,
    presence,
    stop,
  }
}
