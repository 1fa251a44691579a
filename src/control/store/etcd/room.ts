/** How much room etcd has, by its quota, and how to get some back. */
import { StoreError } from '../store-error.ts'
import type { StoreRoom } from '../store.ts'
import type { Cluster } from './cluster.ts'
import { detailsOf } from './failure.ts'
import { alarmAction, alarmType } from './messages.ts'

/** What etcd has unless it is told otherwise. It says its own from 3.6 on. */
export const defaultQuota = 2 * 2 ** 30

const askMs = 2000
/** A member answers nothing else while it defragments. */
const defragmentMs = 120_000

/** The fullest member, and the alarms of all. Throws StoreError when none answers. */
export async function clusterRoom({ members }: Cluster, quota: number | undefined): Promise<StoreRoom> {
  const answers = await Promise.allSettled(members.map((member) => member.call('status', {}, askMs)))
  const rooms = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  if (rooms.length === 0)
    throw new StoreError('away', `no member of etcd answers: ${detailsOf((answers[0] as PromiseRejectedResult).reason)}`)
  const told = Math.max(...rooms.map(({ dbSizeQuota }) => dbSizeQuota.toNumber()))
  return {
    used: Math.max(...rooms.map(({ dbSize }) => dbSize.toNumber())),
    most: told > 0 ? told : (quota ?? defaultQuota),
    isFull: rooms.some(({ errors }) => errors.some((error) => /NOSPACE/.test(error))),
  }
}

/**
 * Forget all old changes, give free pages back member by member, and end the alarm that there is no room. Needs the
 * role root. Throws StoreError.
 */
export async function makeClusterRoom(cluster: Cluster, revision: number): Promise<void> {
  // The pages must be free before members can give them back.
  const request = { revision, physical: true }
  await cluster
    .ask('compact', (member) => member.call('compact', request, defragmentMs))
    .catch((error: unknown) => {
      if (error instanceof StoreError) throw error
    })
  for (const member of cluster.members) {
    try {
      await member.call('defragment', {}, defragmentMs)
    } catch (error) {
      throw new StoreError('away', `cannot defragment member ${member.endpoint}: ${detailsOf(error)}; the role root may`, { cause: error })
    }
  }
  const what = 'end the alarm'
  const { alarms } = await cluster.ask(what, (member, deadlineMs) => member.call('alarm', { action: alarmAction.get }, deadlineMs))
  for (const { memberID, alarm } of alarms) {
    if (alarm !== alarmType.noSpace) continue
    const end = { action: alarmAction.deactivate, memberID: memberID.toString(), alarm }
    await cluster.ask(what, (member, deadlineMs) => member.call('alarm', end, deadlineMs))
  }
}
