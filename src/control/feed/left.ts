/** Vnics that have left a host lately: that host still hears of their vpc, and sends their frames on. */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { ObjectRecord } from '../model/record.ts'

interface Leaving {
  readonly host: string
  readonly vpc: string
  readonly until: number
}

export class Left {
  readonly #vnics = new Map<string, Leaving>()

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

  #note({ kind, id, vpc, left }: ObjectRecord): void {
    if (kind === 'vnic' && left !== undefined) this.#vnics.set(id, { ...left, vpc: vpc! })
  }

  /** Vpcs of vnics that left a host. */
  vpcsOf(host: string, now: number): string[] {
    return [...this.#vnics.values()].flatMap((each) => (each.host === host && each.until > now ? [each.vpc] : []))
  }

  /** Vnics of a vpc that have left a host. */
  vnicsOf(host: string, vpc: string, now: number): string[] {
    return [...this.#vnics].flatMap(([id, each]) => (each.host === host && each.vpc === vpc && each.until > now ? [id] : []))
  }

  /** Hosts that vnics of a vpc have left. */
  hostsOf(vpc: string, now: number): string[] {
    return [...this.#vnics.values()].flatMap((each) => (each.vpc === vpc && each.until > now ? [each.host] : []))
  }

  /** What has ended by now; it is forgotten. */
  ended(now: number): { readonly vnic: string; readonly host: string }[] {
    const done = []
    for (const [vnic, { host, until }] of this.#vnics)
      if (until <= now) {
        done.push({ vnic, host })
        this.#vnics.delete(vnic)
      }
    return done
  }
}
