/** What a vnic is doing, from where it is plugged in and what its host says. */
import type { Mirror } from './mirror.ts'
import type { ObjectRecord } from './record.ts'

/** What fails on its host. The host itself says so to this API, or another API has written it down. */
export function problemOf(mirror: Mirror, { id, binding, epoch }: ObjectRecord): { code: string; text: string; since: string } | undefined {
  if (binding === undefined) return undefined
  const status = mirror.hosts.current(binding.host)
  const exception = mirror.exceptionOf(id)
  const known = status === undefined ? (exception?.epoch === epoch ? exception : undefined) : status.errors.get(`vnic/${id}`)
  return known === undefined ? undefined : { code: known.code, text: known.text, since: known.since }
}

/** How long an API that has not the feed of a host gives it to say that something fails. */
const quietMs = 3_000

/**
 * Its state: `ready` once its host has acknowledged what the model says of it. Of a host that has its feed at another
 * API no trouble is written down, once it has had the time.
 */
export function vnicState(mirror: Mirror, record: ObjectRecord): string {
  const { id, binding } = record
  if (binding === undefined) return 'unplugged'
  if (problemOf(mirror, record) !== undefined) return 'degraded'
  const modified = mirror.objects.get('vnic', id)?.modified ?? Infinity
  const status = mirror.hosts.current(binding.host)
  if (status !== undefined) return status.acked >= modified ? 'ready' : 'binding'
  return mirror.hosts.isThereFor(binding.host, quietMs) && mirror.isOlder(modified, quietMs) ? 'ready' : 'binding'
}
