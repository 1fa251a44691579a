/** Vnics that have left hosts lately: each of these hosts still hears of their vpc, and sends their frames on. */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { leftBy, type Leaving, type ObjectRecord } from '../model/record.ts'

interface Departed {
  readonly vpc: string
  readonly left: readonly Leaving[]
}

type Index = Map<string, Set<string>>

export class Left {
  readonly #vnics = new Map<string, Departed>()
  /** Ids of these vnics by the hosts that they left, and by vpc. */
  readonly #byHost: Index = new Map()
  readonly #byVpc: Index = new Map()

  /** Look at everything anew. */
  load({ objects }: Mirror): void {
    for (const map of [this.#vnics, this.#byHost, this.#byVpc]) map.clear()
    for (const { record } of objects.alikeVnics()) this.#note(record)
  }

  /** Follow a change. */
  apply({ before, after }: ObjectChange): void {
    if (before?.record.kind === 'vnic') this.#set(before.record.id, undefined)
    if (after !== undefined) this.#note(after.record)
  }

  #note(record: ObjectRecord): void {
    const left = leftBy(record)
    if (record.kind === 'vnic' && left.length > 0) this.#set(record.id, { left, vpc: record.vpc! })
  }

  #set(vnic: string, departed: Departed | undefined): void {
    const before = this.#vnics.get(vnic)
    for (const { host } of before?.left ?? []) remove(this.#byHost, host, vnic)
    if (before !== undefined) remove(this.#byVpc, before.vpc, vnic)
    if (departed === undefined) return void this.#vnics.delete(vnic)
    this.#vnics.set(vnic, departed)
    for (const { host } of departed.left) add(this.#byHost, host, vnic)
    add(this.#byVpc, departed.vpc, vnic)
  }

  /** Vpcs of vnics that left a host. */
  vpcsOf(host: string, now: number): string[] {
    return this.#of(this.#byHost, host).flatMap(([, { vpc, left }]) => (hasLeft(left, host, now) ? [vpc] : []))
  }

  /** Vnics of a vpc that have left a host. */
  vnicsOf(host: string, vpc: string, now: number): string[] {
    return this.#of(this.#byHost, host).flatMap(([id, each]) => (each.vpc === vpc && hasLeft(each.left, host, now) ? [id] : []))
  }

  /** Hosts that vnics of a vpc have left. */
  hostsOf(vpc: string, now: number): string[] {
    return this.#of(this.#byVpc, vpc).flatMap(([, { left }]) => left.flatMap(({ host, until }) => (until > now ? [host] : [])))
  }

  #of(index: Index, key: string): [string, Departed][] {
    return Array.from(index.get(key) ?? [], (id) => [id, this.#vnics.get(id)!])
  }

  /** What has ended by now; it is forgotten. */
  ended(now: number): { readonly vnic: string; readonly host: string }[] {
    const done = []
    for (const [vnic, { left, vpc }] of this.#vnics) {
      const over = left.filter(({ until }) => until <= now)
      if (over.length === 0) continue
      done.push(...over.map(({ host }) => ({ vnic, host })))
      const rest = left.filter(({ until }) => until > now)
      this.#set(vnic, rest.length === 0 ? undefined : { vpc, left: rest })
    }
    return done
  }
}

const hasLeft = (left: readonly Leaving[], host: string, now: number): boolean =>
  left.some((each) => each.host === host && each.until > now)

const add = (index: Index, key: string, vnic: string): void => void index.set(key, (index.get(key) ?? new Set()).add(vnic))

function remove(index: Index, key: string, vnic: string): void {
  const vnics = index.get(key)
  vnics?.delete(vnic)
  if (vnics?.size === 0) index.delete(key)
}
