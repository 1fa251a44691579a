/** The way from this host to the guest of a virtual machine. */
import type { Vpc } from '#client/vpc.ts'
import { wayTo, type GuestWay } from '#vm/guest-way.ts'
import { running } from '#vm/life.ts'
import type { VmDirectory } from '#vm/vm-directory.ts'
import { VmError } from '#vm/vm-error.ts'

/** By the first vmnic of a machine that runs. Throws VmError. */
export async function wayToVm(directory: VmDirectory, vpc: Vpc): Promise<GuestWay> {
  const [vmnic] = (await running(directory)).definition().vmnics
  if (vmnic === undefined) throw new VmError('failed', `machine ${directory.id} has no vmnic; give it one: vpc vm attach`)
  await using object = await vpc.openVmnic(vmnic)
  const { port } = await object.describe()
  if (port === null) throw new VmError('failed', `vmnic ${vmnic} is in no port; connect it: vpc switch port connect`)
  await using mgmt = await vpc.mgmt()
  return wayTo((await mgmt.info()).runDir, port)
}
