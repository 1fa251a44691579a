/** What connected hosts have said of themselves, in memory: the API that a host is connected to knows it. */
import { itemKey } from '#feed/item.ts'
import type { AgentReport, ItemError } from '#feed/message.ts'

export interface HostStatus {
  /** The host does what the model said up to this revision, but for the errors. */
  readonly acked: number
  /** When it was last heard, in ms. */
  readonly heard: number
  /** By the item's key. */
  readonly errors: ReadonlyMap<string, ItemError>
  readonly agent: AgentReport['agent']
}

export class HostStatuses {
  readonly #statuses = new Map<string, HostStatus>()
  readonly #listeners = new Set<(host: string) => void>()

  get = (host: string): HostStatus | undefined => this.#statuses.get(host)

  /** Note what an agent reports. */
  report(host: string, { revision, errors, agent }: Omit<AgentReport, 'ready'>, now: number): void {
    const byItem = new Map(errors.map((error) => [itemKey(error), error]))
    this.#statuses.set(host, { acked: Number(revision), heard: now, errors: byItem, agent })
    for (const listener of this.#listeners) listener(host)
  }

  /** Be told of each report. Gives a way to end. */
  onReport(listener: (host: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
