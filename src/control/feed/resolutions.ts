/** Which vpcs are so large that hosts ask for the stations that they need, kept by the changes of the mirror. */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { ObjectRecord } from '../model/record.ts'

/** Vpcs with more addresses of vnics are resolved on demand, unless they say otherwise. */
const pushedAddresses = 2_000

export class Resolutions {
  readonly #addresses = new Map<string, number>()
  readonly #demand = new Set<string>()

  /** Count everything anew. */
  load({ objects }: Mirror): void {
    this.#addresses.clear()
    this.#demand.clear()
    for (const { record, count } of objects.alikeVnics()) this.#count(record, count)
    for (const id of objects.ids('vpc')) this.#decide(objects.get('vpc', id)!.record)
  }

  /** Follow a change. Gives the vpcs that are resolved in the other way from now on. */
  apply({ objects }: Pick<Mirror, 'objects'>, { before, after }: ObjectChange): string[] {
    if (before !== undefined) this.#count(before.record, -1)
    if (after !== undefined) this.#count(after.record, 1)
    const kind = (after ?? before)!.record.kind
    if (kind !== 'vnic' && kind !== 'vpc') return []
    const vpcs = new Set([before?.record.vpc, after?.record.vpc])
    return [...vpcs].flatMap((id) => {
      const vpc = id ? objects.get('vpc', id)?.record : undefined
      return vpc !== undefined && this.#decide(vpc) ? [vpc.id] : []
    })
  }

  #count({ kind, vpc, spec }: ObjectRecord, by: number): void {
    if (kind !== 'vnic' || vpc === null) return
    const count = (this.#addresses.get(vpc) ?? 0) + by * (spec.addresses as readonly string[]).length
    if (count === 0) this.#addresses.delete(vpc)
    else this.#addresses.set(vpc, count)
  }

  /** Gives true when it is another one than before. */
  #decide({ id, spec }: ObjectRecord): boolean {
    const isDemand = spec.resolution === 'auto' ? (this.#addresses.get(id) ?? 0) > pushedAddresses : spec.resolution === 'demand'
    if (isDemand === this.#demand.has(id)) return false
    if (isDemand) this.#demand.add(id)
    else this.#demand.delete(id)
    return true
  }

  isDemand = (vpc: string): boolean => this.#demand.has(vpc)
}
