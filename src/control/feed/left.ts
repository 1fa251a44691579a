/** Vnics that have left hosts lately: each of these hosts still hears of their vpc, and sends their frames on. */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { leftBy, type Leaving, type ObjectRecord } from '../model/record.ts'

interface Departed {
  readonly vpc: string
  readonly left: readonly Leaving[]
}

export class Left {
  readonly #vnics = new Map<string, Departed>()

  /** Look at everything anew. */
  load({ objects }: Mirror): void {
    this.#vnics.clear()
    for (const id of objects.ids('vnic')) this.#note(objects.get('vnic', id)!.record)
  }

  /** Follow a change. */
  apply({ before, after }: ObjectChange): void {
    if (before?.record.kind === 'vnic') this.#vnics.delete(before.record.id)
    if (after !== undefined) this.#note(after.record)
  }

  #note(record: ObjectRecord): void {
    const left = leftBy(record)
    if (record.kind === 'vnic' && left.length > 0) this.#vnics.set(record.id, { left, vpc: record.vpc! })
  }

  /** Vpcs of vnics that left a host. */
  vpcsOf(host: string, now: number): string[] {
    return [...this.#vnics.values()].flatMap(({ vpc, left }) => (hasLeft(left, host, now) ? [vpc] : []))
  }

  /** Vnics of a vpc that have left a host. */
  vnicsOf(host: string, vpc: string, now: number): string[] {
    return [...this.#vnics].flatMap(([id, each]) => (each.vpc === vpc && hasLeft(each.left, host, now) ? [id] : []))
  }

  /** Hosts that vnics of a vpc have left. */
  hostsOf(vpc: string, now: number): string[] {
    return [...this.#vnics.values()].flatMap((each) =>
      each.vpc === vpc ? each.left.flatMap(({ host, until }) => (until > now ? [host] : [])) : [],
    )
  }

  /** What has ended by now; it is forgotten. */
  ended(now: number): { readonly vnic: string; readonly host: string }[] {
    const done = []
    for (const [vnic, { left, vpc }] of this.#vnics) {
      const over = left.filter(({ until }) => until <= now)
      if (over.length === 0) continue
      done.push(...over.map(({ host }) => ({ vnic, host })))
      const rest = left.filter(({ until }) => until > now)
      if (rest.length === 0) this.#vnics.delete(vnic)
      else this.#vnics.set(vnic, { vpc, left: rest })
    }
    return done
  }
}

const hasLeft = (left: readonly Leaving[], host: string, now: number): boolean =>
  left.some((each) => each.host === host && each.until > now)
