/**
 * Which vpcs have public addresses of which pools, by NATs and floating addresses, and which hosts have the wires of
 * pools. Kept by the changes of the mirror.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { Objects } from '../model/objects.ts'
import type { ObjectRecord } from '../model/record.ts'

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

  /** Hosts with a wire of a pool. */
  readonly #wires = new Map<string, Set<string>>()

  /** Look at everything anew. */
  load({ objects }: Mirror): void {
    for (const map of [this.#uses, this.#byVpc, this.#byPool, this.#wires]) map.clear()
    for (const kind of ['nat', 'floating-ip', 'host']) for (const id of objects.ids(kind)) this.#add(objects, objects.get(kind, id)!.record)
  }

  /** Follow a change. */
  apply({ objects }: Pick<Mirror, 'objects'>, { before, after }: ObjectChange): void {
    if (before !== undefined) this.#remove(before.record)
    if (after !== undefined) this.#add(objects, after.record)
  }

  #add(objects: Objects, record: ObjectRecord): void {
    for (const pool of poolsOfHost(record)) this.#wires.set(pool, (this.#wires.get(pool) ?? new Set()).add(record.id))
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
    for (const pool of poolsOfHost(record)) this.#wires.get(pool)?.delete(id)
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
  hostsOf = (pool: string): Iterable<string> => this.#wires.get(pool) ?? []
  /** The host that has the packets of a pool: the first one with its wire. */
  hostOf = (pool: string): string | undefined => [...(this.#wires.get(pool) ?? [])].sort()[0]
}

const poolsOfHost = ({ kind, spec }: ObjectRecord): string[] =>
  kind === 'host' ? ((spec.wires ?? []) as readonly { readonly pool: string }[]).map(({ pool }) => pool) : []

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
