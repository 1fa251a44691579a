/**
 * What hosts have counted in the last hour, in memory: the API that a host is connected to knows it, and a restart
 * forgets it. A point is what passed within ten seconds, for a vnic, a subnet,
 * a vpc or a host.
 */
import { withoutHarmless } from '#abi/drop-words.ts'
import { z } from 'zod'
import {
  countersEveryMs,
  mostBlocks,
  mostCounters,
  mostDrops,
  mostNats,
  type Counts,
  type HostCounters,
  type SeenDrop,
} from '#feed/counters.ts'
import { issueText } from '../model/issue-text.ts'
import type { Mirror } from '../model/mirror.ts'
import { Problem } from '../model/problem.ts'
import { chosenOf, wiresOf } from '../model/wires.ts'

/** Points of one series. */
export const mostPoints = 3_600_000 / countersEveryMs
/** Of all series together, and drops of a vpc: older ones go. */
const mostInAll = 500_000
const dropsOfVpc = 1_000

/** What is added up. */
type Sum = { -readonly [K in keyof Counts]: K extends 'drops' ? Record<string, number> : Counts[K] }

const count = z.int().min(0)
const reason = z.string().regex(/^[a-z0-9_]{1,40}$/)
const uuid = z.uuid().transform((id) => id.toLowerCase())
const vnic = z.object({
  vnic: uuid,
  rxPackets: count,
  rxBytes: count,
  txPackets: count,
  txBytes: count,
  flows: count,
  drops: z.record(reason, count).refine((drops) => Object.keys(drops).length <= 200),
})
const drop = z.object({
  time: z.iso.datetime(),
  vnic: uuid,
  reason,
  length: count,
  vni: count,
  direction: z.enum(['in', 'out']).nullable(),
  peer: z.string().max(60).nullable(),
  text: z
    .string()
    .max(400)
    .regex(/^[ -~]*$/),
  rule: z.string().max(60).nullable(),
})
const natItem = z.string().max(80)
/** What cannot be read is left out of the blocks (nat-blocks.ts); the rest of the message counts. */
const block = z.unknown().transform((line) => (typeof line === 'string' && line.length <= 120 ? line : ''))
const exhausted = z.object({ nat: natItem, packets: count })
const natCounters = vnic.omit({ vnic: true, flows: true }).extend({ nat: natItem })
const counters = z.object({
  vnics: z.array(vnic).max(mostCounters),
  drops: z.array(drop).max(mostDrops),
  nats: z.array(natCounters).max(mostNats).optional(),
  exhausted: z.array(exhausted).max(mostNats).optional(),
  blocks: z
    .array(z.object({ nat: natItem, blocks: z.array(block).max(mostBlocks) }))
    .max(mostNats)
    .optional(),
})

/** Read what a host sent. Throws a Problem. */
export function parseCounters(body: unknown): HostCounters {
  const { success, data, error } = counters.safeParse(body, { error: issueText })
  if (success) return data
  const { path, message } = error.issues[0]!
  throw new Problem('invalid', `${path.join('.') || 'the counters'}: ${message}`)
}

const nothing = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, flows: 0 }
const summed = ['rxPackets', 'rxBytes', 'txPackets', 'txBytes'] as const

/** Packets of a vnic that were dropped, or that a NAT had no port for, within a slot. */
export interface Dropped {
  readonly kind: 'vnic' | 'nat'
  readonly id: string
  /** When the slot began, in ms. */
  readonly at: number
  readonly drops: Readonly<Record<string, number>>
}

export class Counters {
  readonly #objects: Mirror['objects']
  /** The last values of a vnic or a NAT, and of which host. */
  readonly #last = new Map<string, { readonly host: string; readonly values: Counts }>()
  /** By time: series by their keys. The oldest comes first. */
  readonly #slots = new Map<number, Map<string, Sum>>()
  #size = 0
  readonly #drops = new Map<string, SeenDrop[]>()
  readonly #listeners = new Set<(dropped: Dropped) => void>()

  constructor({ objects }: Pick<Mirror, 'objects'>) {
    this.#objects = objects
  }

  /** Take what a host says. It may speak of vnics that are plugged in there, and of no others. */
  take(host: string, { vnics, drops, nats = [], exhausted = [] }: HostCounters, now: number): void {
    const slot = Math.floor(now / countersEveryMs) * countersEveryMs
    for (const values of vnics) {
      const at = this.#placeOf(values.vnic, host)
      if (at === undefined) continue
      const point = this.#since(values.vnic, host, values)
      if (point === undefined) continue
      for (const key of [`vnic/${values.vnic}`, `subnet/${at.subnet}`, `vpc/${at.vpc}`, `host/${host}`]) this.#add(slot, key, point)
      this.#tell({ kind: 'vnic', id: values.vnic, at: slot, drops: point.drops })
    }
    for (const { nat, ...counts } of nats) {
      const own = this.#natsOf(nat, host)
      const point = own.length === 0 ? undefined : this.#since(`nat/${nat}`, host, { ...counts, flows: 0 })
      if (point !== undefined) for (const id of own) this.#add(slot, `nat/${id}`, { ...point, drops: {} })
    }
    for (const { nat, packets } of exhausted)
      for (const id of this.#natsOf(nat, host)) {
        const drops = { nat_exhausted: packets }
        this.#add(slot, `nat/${id}`, { ...nothing, drops })
        this.#tell({ kind: 'nat', id, at: slot, drops })
      }
    for (const each of drops) {
      const at = this.#placeOf(each.vnic, host)
      if (at !== undefined) this.#keepDrop(at.vpc, each)
    }
    this.#forget(now)
  }

  /** The points of a series after a time, the oldest first. */
  series(key: string, since: number): ({ readonly time: string } & Counts)[] {
    return [...this.#slots].flatMap(([at, series]) => {
      const point = at > since ? series.get(key) : undefined
      return point === undefined ? [] : [{ time: new Date(at).toISOString(), ...point }]
    })
  }

  /** The newest point of a series that began after a time. */
  latest(key: string, since: number): Counts | undefined {
    for (const at of [...this.#slots.keys()].reverse()) {
      if (at <= since) return undefined
      const point = this.#slots.get(at)!.get(key)
      if (point !== undefined) return point
    }
    return undefined
  }

  #since(key: string, host: string, values: Counts): Counts | undefined {
    const point = difference(this.#last.get(key), host, values)
    this.#last.set(key, { host, values })
    return point
  }

  /** Packets of a vpc that were dropped after a time, the oldest first. */
  drops(vpc: string, since: number): SeenDrop[] {
    return (this.#drops.get(vpc) ?? []).filter(({ time }) => Date.parse(time) > since)
  }

  /** Be told of drops as hosts say them. Gives a way to end. */
  listen(listener: (dropped: Dropped) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** What was dropped in slots that began after a time, the oldest first; not what a healthy network drops. */
  *dropped(since: number): Generator<Dropped> {
    for (const [at, series] of this.#slots)
      if (at > since)
        for (const [key, point] of series) {
          const [kind, id] = key.split('/') as [Dropped['kind'], string]
          const drops = kind === 'vnic' || kind === 'nat' ? withoutHarmless(point.drops) : {}
          if (Object.keys(drops).length > 0) yield { kind, id, at, drops }
        }
  }

  #tell(of: Dropped): void {
    const drops = withoutHarmless(of.drops)
    if (Object.keys(drops).length > 0) for (const listener of this.#listeners) listener({ ...of, drops })
  }

  /** NATs behind the item of a vpc and a pool. A host speaks of pools alone whose packets it has. */
  #natsOf(item: string, host: string): string[] {
    const [vpc = '', pool = ''] = item.split('.')
    const objects = this.#objects
    const hosts = objects
      .usersOf(pool, 'host')
      .flatMap(({ record }) => wiresOf(record).flatMap((wire) => (wire.pool === pool ? [{ ...wire, id: record.id }] : [])))
    if (chosenOf(hosts, objects.get('pool', pool)?.record.wire?.host)?.id !== host) return []
    return objects.usersOf(vpc, 'nat').flatMap(({ record }) => (record.spec.pool === pool ? [record.id] : []))
  }

  /** Where a vnic is; undefined: not on this host. */
  #placeOf(vnic: string, host: string): { readonly subnet: string; readonly vpc: string } | undefined {
    const record = this.#objects.get('vnic', vnic)?.record
    if (record?.binding?.host !== host) return undefined
    const subnet = record.spec.subnet as string
    const vpc = record.vpc ?? this.#objects.get('subnet', subnet)?.record.vpc
    return vpc ? { subnet, vpc } : undefined
  }

  #add(at: number, key: string, point: Counts): void {
    const slot = this.#slots.get(at) ?? new Map<string, Sum>()
    this.#slots.set(at, slot)
    const sum = slot.get(key)
    if (sum === undefined) {
      slot.set(key, { ...point, drops: { ...point.drops } })
      this.#size++
      return
    }
    for (const name of summed) sum[name] += point[name]
    // A vnic that speaks twice in ten seconds has the flows of the later time; sums of a vpc are of different vnics.
    sum.flows = key.startsWith('vnic/') ? point.flows : sum.flows + point.flows
    for (const [why, more] of Object.entries(point.drops)) sum.drops[why] = (sum.drops[why] ?? 0) + more
  }

  #keepDrop(vpc: string, drop: SeenDrop): void {
    const kept = this.#drops.get(vpc) ?? []
    this.#drops.set(vpc, kept)
    kept.push(drop)
    if (kept.length > dropsOfVpc) kept.shift()
  }

  #forget(now: number): void {
    for (const [at, series] of this.#slots) {
      if (at > now - mostPoints * countersEveryMs && this.#size <= mostInAll) break
      this.#size -= series.size
      this.#slots.delete(at)
    }
    const oldest = now - mostPoints * countersEveryMs
    for (const [vpc, drops] of this.#drops) if (Date.parse(drops.at(-1)!.time) < oldest) this.#drops.delete(vpc)
    if (this.#last.size > mostInAll) this.#last.clear()
  }
}

/** What was counted since the last values; undefined: nothing is known of the time before. */
function difference(
  last: { readonly host: string; readonly values: Counts } | undefined,
  host: string,
  values: Counts,
): Counts | undefined {
  if (last === undefined || last.host !== host) return undefined
  // Counters that are lower began anew: the interface was connected again.
  const before = last.values.rxPackets <= values.rxPackets && last.values.txPackets <= values.txPackets ? last.values : undefined
  const since = (name: (typeof summed)[number]): number => Math.max(0, values[name] - (before?.[name] ?? 0))
  const drops = Object.entries(values.drops).map(([why, all]) => [why, Math.max(0, all - (before?.drops[why] ?? 0))] as const)
  return {
    rxPackets: since('rxPackets'),
    rxBytes: since('rxBytes'),
    txPackets: since('txPackets'),
    txBytes: since('txBytes'),
    flows: values.flows,
    drops: Object.fromEntries(drops.filter(([, more]) => more > 0)),
  }
}
