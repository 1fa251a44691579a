/**
 * Which vpcs have public addresses of which pools, by NATs and floating addresses, and which hosts have the wires of
 * pools. Kept by the changes of the mirror.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { Objects } from '../model/objects.ts'
import type { ObjectRecord } from '../model/record.ts'
import { chosenOf, wiresOf, type WireHost } from '../model/wires.ts'

interface Use {
  readonly vpc: string
  readonly pool: string
}

type Uses = Map<string, Map<string, Set<string>>>

export class Publics {
  readonly #uses = new Map<string, Use>()
  /** Ids of NATs and floating addresses, by vpc and pool, and by pool and vpc. */
  readonly #byVpc: Uses = new Map()
  readonly #byPool: Uses = new Map()

  /** Hosts with a wire of a pool, and the one that was chosen. */
  readonly #wires = new Map<string, Map<string, WireHost>>()
  readonly #chosen = new Map<string, string>()

  /** Look at everything anew. */
  load({ objects }: Mirror): void {
    for (const map of [this.#uses, this.#byVpc, this.#byPool, this.#wires, this.#chosen]) map.clear()
    for (const kind of ['nat', 'floating-ip', 'host', 'pool'])
      for (const id of objects.ids(kind)) this.#add(objects, objects.get(kind, id)!.record)
  }

  /** Follow a change. */
  apply({ objects }: Pick<Mirror, 'objects'>, { before, after }: ObjectChange): void {
    if (before !== undefined) this.#remove(before.record)
    if (after !== undefined) this.#add(objects, after.record)
  }

  #add(objects: Objects, record: ObjectRecord): void {
    for (const { pool, priority } of wiresOf(record))
      this.#wires.set(pool, (this.#wires.get(pool) ?? new Map<string, WireHost>()).set(record.id, { id: record.id, priority }))
    if (record.kind === 'pool' && record.wire !== undefined) this.#chosen.set(record.id, record.wire.host)
    const vpc = vpcOf(objects, record)
    if (vpc === undefined) return
    const { id, spec } = record
    const use = { vpc, pool: spec.pool as string }
    this.#uses.set(id, use)
    note(this.#byVpc, use.vpc, use.pool, id)
    note(this.#byPool, use.pool, use.vpc, id)
  }

  #remove(record: ObjectRecord): void {
    const { id } = record
    for (const { pool } of wiresOf(record)) this.#wires.get(pool)?.delete(id)
    if (record.kind === 'pool') this.#chosen.delete(id)
    const use = this.#uses.get(id)
    if (use === undefined) return
    this.#uses.delete(id)
    forget(this.#byVpc, use.vpc, use.pool, id)
    forget(this.#byPool, use.pool, use.vpc, id)
  }

  /** Pools that a vpc has addresses of. */
  poolsOf = (vpc: string): string[] => [...(this.#byVpc.get(vpc)?.keys() ?? [])]
  /** Vpcs that have addresses of a pool. */
  vpcsOf = (pool: string): string[] => [...(this.#byPool.get(pool)?.keys() ?? [])]
  /** Ids of the NATs and floating addresses of a vpc in a pool. */
  usersOf = (vpc: string, pool: string): string[] => [...(this.#byVpc.get(vpc)?.get(pool) ?? [])]
  /** Hosts with a wire of a pool. */
  hostsOf = (pool: string): Iterable<string> => this.#wires.get(pool)?.keys() ?? []
  /** The host that has the packets of a pool. */
  hostOf = (pool: string): string | undefined => chosenOf([...(this.#wires.get(pool)?.values() ?? [])], this.#chosen.get(pool))?.id
}

/** The vpc that an object brings public addresses to. */
function vpcOf(objects: Objects, { kind, vpc, spec }: ObjectRecord): string | undefined {
  if (kind === 'nat') return vpc!
  const target = kind === 'floating-ip' ? (spec.target as { readonly vnic: string } | undefined) : undefined
  return target === undefined ? undefined : (objects.get('vnic', target.vnic)?.record.vpc ?? undefined)
}

function note(uses: Uses, a: string, b: string, id: string): void {
  const inner = uses.get(a) ?? new Map<string, Set<string>>()
  uses.set(a, inner.set(b, (inner.get(b) ?? new Set()).add(id)))
}

function forget(uses: Uses, a: string, b: string, id: string): void {
  const inner = uses.get(a)
  const ids = inner?.get(b)
  ids?.delete(id)
  if (ids?.size === 0) inner!.delete(b)
  if (inner?.size === 0) uses.delete(a)
}
