/** Whether the hosts of a path do what the answer depends on: asked of their agents, through whatever API has them. */
import type { ObjectRecord } from '../model/record.ts'
import type { Feeds } from '../feed/feeds.ts'
import type { Inquiries } from '../feed/inquiries.ts'
import { waitForHosts } from '../feed/wait.ts'
import type { Late } from '../feed/late.ts'
import type { Mirror } from '../model/mirror.ts'
import { unreachableMs } from '../model/host-life.ts'
import type { ProgrammedHost } from './answer.ts'
import type { Cloud } from './cloud.ts'
import type { Names } from './names.ts'

/** How long the hosts have to acknowledge what they were told. */
const patienceMs = 1_000

export interface Asking {
  readonly cloud: Cloud
  readonly names: Names
  readonly mirror: Mirror
  readonly feeds: Feeds
  readonly inquiries: Inquiries | undefined
  readonly now: number
}

export type Roles = ReadonlyMap<string, ProgrammedHost['role']>

/** What is asked of the hosts. */
export interface Path {
  readonly roles: Roles
  readonly uses: ReadonlySet<ObjectRecord>
  /** Hosts of vnics that the asker may know. Others are not named. */
  readonly known: ReadonlySet<string>
}

/** Ask the hosts. They shall do what the model says now, wherever that has come from. */
export async function programmed(asking: Asking, { roles, uses, known }: Path): Promise<ProgrammedHost[]> {
  const { mirror, feeds, inquiries } = asking
  const keys = new Set([...uses].flatMap((record) => keysOf(asking.cloud, record)))
  const signal = AbortSignal.timeout(patienceMs)
  // Nobody waits for a host that is away.
  const affected = { hosts: new Set([...roles.keys()].filter((id) => !isAway(asking, id))), keys }
  const { revision } = mirror
  const late = await waitForHosts({ feeds, hosts: mirror.hosts, inquiries, affected, revision, timeoutMs: patienceMs, signal })
  const needs = String(Math.max(0, ...[...uses].map(({ kind, id }) => mirror.objects.get(kind, id)?.modified ?? 0)))
  return [...roles].map(([id, role]) => {
    const host = { ...named(asking, id), role, needs, ...stateOf(asking, id, late) }
    if (host.name !== null || known.has(id)) return host
    // What fails there may be a stranger's.
    const problem = host.problem && { code: host.problem.code, text: 'something that it needs fails there' }
    return { ...host, id: null, problem: host.state === 'unreachable' ? host.problem : problem }
  })
}

function named({ cloud, names }: Asking, id: string): { readonly id: string; readonly name: string | null } {
  const host = cloud.get('host', id)
  return { id, name: host !== undefined && names.mayRead(host) ? names.path(host) : null }
}

function stateOf(asking: Asking, id: string, late: readonly Late[]): Pick<ProgrammedHost, 'state' | 'acked' | 'problem'> {
  const { mirror } = asking
  const acked = mirror.hosts.current(id)?.acked
  if (isAway(asking, id)) {
    const seconds = Math.round(mirror.hosts.absentMs(id) / 1000)
    const since = seconds * 1000 >= unreachableMs ? ` for ${seconds} s` : ''
    const problem = { code: 'not-connected', text: `its agent is not connected${since}` }
    return { state: 'unreachable', acked: acked === undefined ? null : String(acked), problem }
  }
  const found = late.find(({ host }) => host === id)
  if (found === undefined) return { state: 'current', acked: String(acked ?? mirror.revision), problem: null }
  return { state: found.error === null ? 'late' : 'failing', acked: found.acked, problem: found.error }
}

const isAway = ({ mirror, feeds }: Asking, id: string): boolean => mirror.hosts.here(id) === undefined && !feeds.connected.has(id)

/** The items that a thing becomes on a host. */
function keysOf(cloud: Cloud, { kind, id, vpc, spec }: ObjectRecord): string[] {
  if (kind === 'vnic') return [`vnic/${id}`, `station/${id}`]
  if (kind === 'nat') return [`nat/${vpc}.${String(spec.pool)}`]
  if (kind !== 'floating-ip') return [`${kind}/${id}`]
  const target = spec.target as { readonly vnic: string } | undefined
  const vnic = target === undefined ? undefined : cloud.get('vnic', target.vnic)
  return vnic === undefined ? [] : [`nat/${vnic.vpc}.${String(spec.pool)}`]
}
