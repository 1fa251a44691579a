/** Vnics that have left hosts lately: each of these hosts still hears of their vpc, and sends their frames on. */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { forwardMs } from '../model/plug.ts'
import { leftBy, type Leaving, type ObjectRecord } from '../model/record.ts'

interface Ending extends Leaving {
  /** When it ends, by HostStatuses.elapsed: another API has written `until`, by its own clock. */
  readonly end: number
}

interface Departed {
  readonly vpc: string
  readonly left: readonly Ending[]
}

type Index = Map<string, Set<string>>

export class Left {
  readonly #vnics = new Map<string, Departed>()
  /** Ids of these vnics by the hosts that they left, and by vpc. */
  readonly #byHost: Index = new Map()
  readonly #byVpc: Index = new Map()

  /** Look at everything anew. */
  load({ objects, hosts }: Mirror): void {
    const [known, now, time] = [new Map(this.#vnics), hosts.elapsed(), Date.now()]
    for (const map of [this.#vnics, this.#byHost, this.#byVpc]) map.clear()
    for (const { record } of objects.alikeVnics())
      this.#note(record, (each) => find(known.get(record.id)?.left, each)?.end ?? now + Math.min(forwardMs, Math.max(0, each.until - time)))
  }

  /** Follow a change, now by HostStatuses.elapsed. What is new counts from now on, what is over stays so. */
  apply({ before, after }: ObjectChange, now: number): void {
    const known = before && this.#vnics.get(before.record.id)?.left
    if (before?.record.kind === 'vnic') this.#set(before.record.id, undefined)
    const was = before && leftBy(before.record)
    if (after !== undefined)
      this.#note(after.record, (each) => find(known, each)?.end ?? (find(was, each) === undefined ? now + forwardMs : undefined))
  }

  #note(record: ObjectRecord, endOf: (leaving: Leaving) => number | undefined): void {
    if (record.kind !== 'vnic') return
    const left = leftBy(record).flatMap((each) => {
      const end = endOf(each)
      return end === undefined ? [] : [{ ...each, end }]
    })
    if (left.length > 0) this.#set(record.id, { left, vpc: record.vpc! })
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
    return this.#of(this.#byVpc, vpc).flatMap(([, { left }]) => left.flatMap(({ host, end }) => (end > now ? [host] : [])))
  }

  /** Whether a host sends frames on for a vnic that has left it. */
  sendsOn = (host: string, vnic: string, now: number): boolean => hasLeft(this.#vnics.get(vnic)?.left ?? [], host, now)

  #of(index: Index, key: string): [string, Departed][] {
    return Array.from(index.get(key) ?? [], (id) => [id, this.#vnics.get(id)!])
  }

  /** What has ended by now; it is forgotten. */
  ended(now: number): { readonly vnic: string; readonly host: string }[] {
    const done = []
    for (const [vnic, { left, vpc }] of this.#vnics) {
      const over = left.filter(({ end }) => end <= now)
      if (over.length === 0) continue
      done.push(...over.map(({ host }) => ({ vnic, host })))
      const rest = left.filter(({ end }) => end > now)
      this.#set(vnic, rest.length === 0 ? undefined : { vpc, left: rest })
    }
    return done
  }
}

const hasLeft = (left: readonly Ending[], host: string, now: number): boolean => left.some((each) => each.host === host && each.end > now)

const find = <L extends Leaving>(left: readonly L[] | undefined, { host, until }: Leaving): L | undefined =>
  left?.find((each) => each.host === host && each.until === until)

const add = (index: Index, key: string, vnic: string): void => void index.set(key, (index.get(key) ?? new Set()).add(vnic))

function remove(index: Index, key: string, vnic: string): void {
  const vnics = index.get(key)
  vnics?.delete(vnic)
  if (vnics?.size === 0) index.delete(key)
}
