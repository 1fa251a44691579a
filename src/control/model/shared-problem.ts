/**
 * What fails on hosts of things that many hosts have, such as a route table: the agents of those that are connected to
 * this API have said so.
 */
import type { ItemError } from '#feed/message.ts'
import type { Mirror } from './mirror.ts'
import type { ObjectRecord } from './record.ts'

/** What fails, on one host at least. */
export interface SharedProblem extends Pick<ItemError, 'code' | 'text' | 'since'> {
  /** On how many hosts. */
  readonly hosts: number
}

/** A host says so of what it has to do with; of other things it is not believed. */
export function sharedProblem(mirror: Mirror, record: ObjectRecord): SharedProblem | undefined {
  const key = keyOf(mirror, record)
  if (key === undefined) return undefined
  const errors = [...mirror.hosts.failing()].flatMap((host) => {
    const error = mirror.hosts.current(host)?.errors.get(key)
    return error !== undefined && hasToDo(mirror, host, record) ? [error] : []
  })
  const first = errors.toSorted((a, b) => (a.since < b.since ? -1 : 1))[0]
  return first && { code: first.code, text: first.text, since: first.since, hosts: errors.length }
}

/** The key of its item. Public addresses of a vpc from one pool are one item. */
function keyOf({ objects }: Mirror, { kind, id, vpc, spec }: ObjectRecord): string | undefined {
  if (kind === 'nat') return `nat/${vpc}.${String(spec.pool)}`
  if (kind !== 'floating-ip') return `${kind}/${id}`
  const target = spec.target as { readonly vnic: string } | undefined
  const vnic = target === undefined ? undefined : objects.get('vnic', target.vnic)
  return vnic && `nat/${vnic.record.vpc}.${String(spec.pool)}`
}

/** Vnics of the account are plugged in there, or the wire of the pool is there. */
const hasToDo = ({ objects }: Mirror, host: string, { account, spec }: ObjectRecord): boolean =>
  objects.usersOf(host, 'vnic').some(({ record }) => record.binding?.host === host && record.account === account) ||
  (spec.pool !== undefined && objects.usersOf(spec.pool as string, 'host').some(({ record }) => record.id === host))
