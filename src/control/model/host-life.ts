/**
 * The life of a host, derived from what the store has: invited → joining → ready ↔ unreachable → draining → drained →
 * gone. A host that cannot be reached keeps what is plugged in there: only a person knows that its guests do not run.
 */
import type { Mirror } from './mirror.ts'
import type { ObjectRecord } from './record.ts'

/** A host without a feed is unreachable after so long. */
export const unreachableMs = 30_000
/** And may be evacuated after so long. */
export const goneMs = 60_000
/** How long the first feed may take after the join. */
const joiningMs = 600_000

interface At {
  readonly mirror: Mirror
  readonly now: number
}

/** How many vnics are plugged in on a host. */
export const vnicsOn = ({ objects }: Mirror, host: string): number =>
  objects.usersOf(host, 'vnic').filter(({ record }) => record.binding?.host === host).length

/** Whether a host was emptied and has no feed: it is dead or idle, and need not do what the model says. */
export function isLeft(mirror: Mirror, id: string): boolean {
  const isDrained = mirror.objects.get('host', id)?.record.drain !== undefined
  return isDrained && mirror.hosts.here(id) === undefined && vnicsOn(mirror, id) === 0
}

/** What a host is doing. */
export function hostState(record: ObjectRecord, at: At): string {
  const { spec, agent, drain, id } = record
  if (spec.disabled === true) return 'disabled'
  if (agent === undefined) return 'invited'
  const isEmpty = drain !== undefined && vnicsOn(at.mirror, id) === 0
  if (isEmpty) return 'drained'
  const { hosts } = at.mirror
  const isNew = hosts.goneSince(id) === undefined && Date.parse(agent.joined) >= hosts.begun
  if (hosts.here(id) === undefined && isNew && Math.abs(at.now - Date.parse(agent.joined)) < joiningMs) return 'joining'
  if (hosts.absentMs(id) >= unreachableMs) return 'unreachable'
  return drain === undefined ? 'ready' : 'draining'
}

/** What a reader sees of a host besides its fields. */
export function hostView({ id, agent }: ObjectRecord, { mirror, now }: At): object {
  const status = mirror.hosts.get(id)
  const seen = mirror.hosts.here(id) === undefined ? (mirror.hosts.goneSince(id) ?? status?.heard) : now
  return {
    vnics: vnicsOn(mirror, id),
    joined: agent?.joined ?? null,
    lastSeen: seen === undefined ? null : new Date(seen).toISOString(),
    agentVersion: status?.agent.version ?? null,
    vpcdVersion: status?.vpcd?.version ?? null,
    lacks: status?.vpcd?.lacks ?? [],
  }
}
