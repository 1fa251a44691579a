/**
 * Lines of items that are the same for all hosts, each made once. Those of stations stay until one changes: they are
 * most of what hosts are told. Others may name anything, so they are for one state of the model.
 */
import { itemKey, type FeedItem } from '#feed/item.ts'
import type { FeedMessage } from '#feed/message.ts'
import { hostsWith, leftBy, type ObjectRecord } from '../model/record.ts'

/** A host that gets everything must not leave everything here. */
const mostLines = 4_096
const mostStations = 65_536

/** The line of an item. */
export const lineOf = (item: FeedItem): string => `${JSON.stringify({ type: 'put', item } satisfies FeedMessage)}\n`

const begin = '{"type":"put","item":'
/** The JSON of the item of a line. */
export const itemIn = (line: string): string => line.slice(begin.length, -2)

/** A station is another one to the hosts that have it, or had it. */
export const isAlike = (record: ObjectRecord, host: string): boolean =>
  !hostsWith(record).includes(host) && (record.left === undefined || !leftBy(record).some((each) => each.host === host))

/** What tells apart the forms that an item has for different hosts at one time. Undefined: it is for one host alone. */
function variantOf(item: FeedItem): string | undefined {
  if (item.kind === 'host' || item.kind === 'vnic' || item.kind === 'station') return undefined
  if (item.kind === 'subnet') return `${item.vni} ${item.apart ?? false}`
  if (item.kind === 'vtep') return JSON.stringify(item.transit ?? null)
  if (item.kind === 'router') return (item.absent ?? []).join(' ')
  if (item.kind === 'group') return item.rules.length === 0 ? 'named' : ''
  return item.kind === 'nat' && item.wire !== null ? undefined : ''
}

export class Lines {
  readonly #lines = new Map<string, string>()
  readonly #stations = new Map<string, string>()

  /** The model has changed, and these keys. */
  changed(keys: Iterable<string>): void {
    this.#lines.clear()
    for (const key of keys) this.#stations.delete(key)
  }

  clear(): void {
    this.#lines.clear()
    this.#stations.clear()
  }

  /** The line of a station that is like this for nearly all hosts; `make` makes its item. */
  ofStation(key: string, make: () => FeedItem | undefined): string | undefined {
    const known = this.#stations.get(key)
    if (known !== undefined) return known
    const item = make()
    return item && keep(this.#stations, mostStations, key, lineOf(item))
  }

  /** The line of any other item. */
  of(item: FeedItem): string {
    const variant = variantOf(item)
    if (variant === undefined) return lineOf(item)
    const key = `${itemKey(item)} ${variant}`
    return this.#lines.get(key) ?? keep(this.#lines, mostLines, key, lineOf(item))
  }
}

function keep(lines: Map<string, string>, most: number, key: string, line: string): string {
  if (lines.size >= most) lines.clear()
  lines.set(key, line)
  return line
}
