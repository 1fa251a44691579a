/**
 * Where vnics are plugged in: which hosts have vnics of a vpc, and which vpcs have vnics on a host. Kept by the changes
 * of the mirror.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { ObjectRecord, Stored } from '../model/record.ts'

/** A host, and what it has of a vpc. */
type Count = Map<string, number>

export class Places {
  readonly #hosts = new Map<string, Count>()
  readonly #vpcs = new Map<string, Count>()

  /** Count everything anew. */
  load({ objects }: Mirror): void {
    this.#hosts.clear()
    this.#vpcs.clear()
    for (const id of objects.ids('vnic')) this.#add(objects.get('vnic', id)!.record, 1)
  }

  /** Follow a change. Gives pairs that have become, or are no longer: the host has its first or lost its last vnic. */
  apply({ before, after }: ObjectChange): readonly { readonly host: string; readonly vpc: string }[] {
    const [was, is] = [placeOf(before), placeOf(after)]
    if (was?.host === is?.host && was?.vpc === is?.vpc) return []
    const moved = []
    if (is !== undefined && this.#change(is, 1)) moved.push(is)
    if (was !== undefined && this.#change(was, -1)) moved.push(was)
    return moved
  }

  #add(record: ObjectRecord, by: number): void {
    const place = placeOf({ record, modified: 0 })
    if (place !== undefined) this.#change(place, by)
  }

  /** Gives true when the pair begins or ends. */
  #change({ host, vpc }: { readonly host: string; readonly vpc: string }, by: number): boolean {
    const begins = count(this.#hosts, vpc, host, by)
    count(this.#vpcs, host, vpc, by)
    return begins
  }

  /** Hosts that have vnics of a vpc. */
  hostsOf = (vpc: string): Iterable<string> => this.#hosts.get(vpc)?.keys() ?? []
  /** Vpcs that have vnics on a host. */
  vpcsOf = (host: string): Iterable<string> => this.#vpcs.get(host)?.keys() ?? []
}

function placeOf(stored: Stored | undefined): { host: string; vpc: string } | undefined {
  if (stored?.record.kind !== 'vnic' || stored.record.binding === undefined) return undefined
  return { host: stored.record.binding.host, vpc: stored.record.vpc! }
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
