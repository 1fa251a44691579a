/** What an etcd cluster says about itself, member by member. */
import type { MemberStatus, StoreStatus } from '../store.ts'
import { StoreError } from '../store-error.ts'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'
import { Compacted, detailsOf } from './failure.ts'
import type { Member } from './member.ts'
import { versionWarning } from './version.ts'

const askMs = 2000

/** Ask each member. Throws StoreError when the cluster answers no read. */
export async function clusterStatus(cluster: Cluster, keys: KeySpace): Promise<StoreStatus> {
  cluster.checkOpen()
  const read = await cluster.ask('read', (member, deadlineMs) => member.call('range', { key: keys.bytes('~'), limit: 1 }, deadlineMs))
  const answers = await Promise.all(cluster.members.map(ask))
  const members = answers.map(({ member }) => member)
  const versions = members.flatMap(({ version }) => version ?? [])
  const version = versions.toSorted(byNumbers)[0]
  if (version === undefined) throw new StoreError('away', `no member of etcd says how it is: ${members[0]!.error}`)
  const warning = versionWarning(version)
  return {
    kind: 'etcd',
    version,
    revision: read.header!.revision.toNumber(),
    compacted: await compactedRevision(cluster, keys),
    bytes: Math.max(...members.map(({ bytes }) => bytes ?? 0)),
    warnings: [
      ...(warning === undefined ? [] : [warning]),
      ...members.flatMap(({ endpoint, error }) => (error === undefined ? [] : [`member ${endpoint} does not answer: ${error}`])),
      ...answers.flatMap(({ member, alarms }) => alarms.map((alarm) => `member ${member.endpoint} says: ${alarm}`)),
    ],
    members,
  }
}

interface Answer {
  readonly member: MemberStatus
  readonly alarms: readonly string[]
}

async function ask(member: Member): Promise<Answer> {
  const { endpoint } = member
  try {
    const { header, version, dbSize, leader, errors } = await member.call('status', {}, askMs)
    const isLeader = leader.toString() === header!.member_id.toString()
    return { member: { endpoint, version, isLeader, bytes: dbSize.toNumber() }, alarms: errors }
  } catch (error) {
    return { member: { endpoint, error: detailsOf(error) }, alarms: [] }
  }
}

const byNumbers = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

/** etcd tells it only to watches that begin too early. */
async function compactedRevision(cluster: Cluster, keys: KeySpace): Promise<number> {
  try {
    await cluster.ask('read', (member, deadlineMs) => member.call('range', { key: keys.bytes('~'), revision: 1, limit: 1 }, deadlineMs))
    return 0
  } catch (error) {
    if (!(error instanceof Compacted)) throw error
  }
  const stream = cluster.watchMember(-1).watch()
  const { promise: compacted, resolve, reject } = Promise.withResolvers<number>()
  const timer = setTimeout(() => reject(new StoreError('away', 'a member of etcd does not answer a watch')), askMs)
  stream.on('error', reject)
  stream.on('data', ({ compact_revision }) => {
    if (compact_revision.toNumber() !== 0) resolve(compact_revision.toNumber())
  })
  stream.write({ create_request: { key: keys.bytes('~'), start_revision: 1 } })
  return compacted.finally(() => {
    clearTimeout(timer)
    stream.cancel()
  })
}
