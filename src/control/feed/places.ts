/**
 * Where vnics are plugged in: which hosts have vnics of a vpc, and which vpcs have vnics on a host. Kept by the changes
 * of the mirror. A vnic on its way between two hosts is on both. And which groups the vnics of a host are in.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { hostsWith, type ObjectRecord } from '../model/record.ts'

/** A host, and what it has of a vpc. */
type Count = Map<string, number>

interface Place {
  readonly host: string
  readonly vpc: string
}

export class Places {
  readonly #hosts = new Map<string, Count>()
  readonly #vpcs = new Map<string, Count>()
  readonly #groups = new Map<string, Count>()

  /** Count everything anew. */
  load({ objects }: Mirror): void {
    this.#hosts.clear()
    this.#vpcs.clear()
    this.#groups.clear()
    for (const { record, count } of objects.alikeVnics()) {
      for (const place of placesOf(record)) this.#change(place, count)
      this.#countGroups(record, count)
    }
  }

  /** Follow a change. Gives pairs that have become, or are no longer: the host has its first or lost its last vnic. */
  apply({ before, after }: ObjectChange): readonly Place[] {
    this.#countGroups(before?.record, -1)
    this.#countGroups(after?.record, 1)
    const [was, is] = [placesOf(before?.record), placesOf(after?.record)]
    const isIn = (places: readonly Place[], { host, vpc }: Place): boolean => places.some((each) => each.host === host && each.vpc === vpc)
    const came = is.filter((place) => !isIn(was, place) && this.#change(place, 1))
    const went = was.filter((place) => !isIn(is, place) && this.#change(place, -1))
    return [...came, ...went]
  }

  /** Gives true when the pair begins or ends. */
  #change({ host, vpc }: Place, by: number): boolean {
    const begins = count(this.#hosts, vpc, host, by)
    count(this.#vpcs, host, vpc, by)
    return begins
  }

  #countGroups(record: ObjectRecord | undefined, by: number): void {
    if (record?.kind !== 'vnic') return
    for (const host of hostsWith(record)) for (const group of record.spec.groups as readonly string[]) count(this.#groups, host, group, by)
  }

  /** Groups that vnics of a host are in. */
  groupsOf = (host: string): Iterable<string> => this.#groups.get(host)?.keys() ?? []
  /** Whether a vnic of a host is in a group. */
  isIn = (host: string, group: string): boolean => this.#groups.get(host)?.has(group) === true
  /** Hosts that have vnics of a vpc. */
  hostsOf = (vpc: string): Iterable<string> => this.#hosts.get(vpc)?.keys() ?? []
  /** Vpcs that have vnics on a host. */
  vpcsOf = (host: string): Iterable<string> => this.#vpcs.get(host)?.keys() ?? []
}

function placesOf(record: ObjectRecord | undefined): readonly Place[] {
  if (record?.kind !== 'vnic') return []
  return hostsWith(record).map((host) => ({ host, vpc: record.vpc! }))
}

/** Add to a count; gives true when it was 0 or is 0 now. */
function count(map: Map<string, Count>, key: string, member: string, by: number): boolean {
  const counts = map.get(key) ?? new Map<string, number>()
  const before = counts.get(member) ?? 0
  const after = before + by
  if (after > 0) counts.set(member, after)
  else counts.delete(member)
  if (counts.size > 0) map.set(key, counts)
  else map.delete(key)
  return before === 0 || after === 0
}
