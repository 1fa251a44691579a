/** Who may open a vmnic's queues, named by people. */
import { accountOf } from '#launch/user.ts'
import { groupOf } from '#system/accounts.ts'
import type { VmnicInfo } from '#abi/info.ts'
import type { Vmnic } from '#client/vmnic.ts'
import { usageFailure } from './failure.ts'
import type { Setting } from './setting.ts'
import { tellingVmErrors } from './vm-failure.ts'

export interface OwnerAsked {
  readonly user: string | undefined
  readonly group: string | undefined
}

/** The setting, if it was given. A user without a group gets its own group. */
export async function ownerSetting({ user, group }: OwnerAsked): Promise<Setting<Vmnic, VmnicInfo>[]> {
  if (user === undefined && group === undefined) return []
  const account = user === undefined ? undefined : await tellingVmErrors(() => accountOf(user))
  const gid = group === undefined ? account!.gid : gidOf(group)
  const ownerIn = ({ ownerUser, ownerGroup }: VmnicInfo): { user: number | null; group: number } => ({ user: ownerUser, group: ownerGroup })
  const uidIn = (info: VmnicInfo): number | null => account?.uid ?? info.ownerUser
  return [
    {
      name: 'owner',
      // A user that is not named stays as it is.
      asked: [account?.uid ?? null, gid],
      is: (info) => [account === undefined ? null : info.ownerUser, info.ownerGroup],
      make: async (vmnic) => vmnic.setOwner({ user: uidIn(await vmnic.describe()), group: gid }),
      takeBack: (vmnic, info) => vmnic.setOwner(ownerIn(info)),
    },
  ]
}

function gidOf(group: string): number {
  const gid = /^\d+$/.test(group) ? Number(group) : groupOf(group)
  if (gid === undefined) throw usageFailure(`--owner-group: there is no group '${group}'`)
  return gid
}

/** `user 1000 of group 1000`, `group 0`. */
export const ownerText = ({ ownerUser, ownerGroup }: VmnicInfo): string => {
  if (ownerUser !== null) return `user ${ownerUser}, group ${ownerGroup}`
  return ownerGroup === 0 ? 'root' : `group ${ownerGroup}`
}
