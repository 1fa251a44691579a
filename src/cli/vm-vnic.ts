/** Further vnics of a virtual machine that a cloud knows: its vm in the cloud, and the machine on this host. */
import type { Vpc } from '#client/vpc.ts'
import type { Resource } from '#resource/envelope.ts'
import { attachVmnic, detachVmnic } from '#vm/life.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { ApiClient } from './cloud/api-client.ts'
import { hostName, tellLate, unitIdOf, untilThere, type Late } from './cloud/attach-vnic.ts'
import { changeResource } from './cloud/change-resource.ts'
import { findVm } from './cloud/guest-vm.ts'
import { Failure } from './failure.ts'
import type { Undo } from './undo.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { baseOf } from './vm-options.ts'

interface Machine {
  /** Name or id of the vm. */
  readonly vm: string
  readonly host: { readonly id: string; readonly name: string }
  readonly vmDir: string | undefined
  readonly seconds: number
}

/** Give a machine of this host the interface of a vnic. Gives whether anything changed. */
export async function attachToVm(
  client: ApiClient,
  vnic: Resource,
  machine: Machine,
  vpc: () => Promise<Vpc>,
  undo: Undo,
): Promise<boolean> {
  const vm = await vmHere(client, machine)
  const isNew = !(vm.vnics as string[]).includes(vnic.id)
  if (isNew) {
    progress(`giving vm ${vm.name} vnic ${vnic.name ?? vnic.id}`)
    await changeVnics(client, vm, (vnics) => [...without(vnics, vnic), vnic.id], machine)
    undo.push(`take it from vm ${vm.name}`, () => changeVnics(client, vm, (vnics) => without(vnics, vnic), machine))
  }
  const local = await vpc()
  const id = unitIdOf(vnic, 'vmnic')
  await (await untilThere(() => local.openVmnic(id))).close()
  const directory = new VmDirectory(baseOf(machine.vmDir), vm.id)
  const { changed } = await tellingVmErrors(() => attachVmnic(directory, id, vpc, { timeoutMs: machine.seconds * 1000, progress }))
  return isNew || changed
}

/** Take a vnic from a machine of this host. Gives whether anything changed. */
export async function detachFromVm(client: ApiClient, vnic: Resource, machine: Machine): Promise<boolean> {
  const vm = await vmHere(client, machine)
  const directory = new VmDirectory(baseOf(machine.vmDir), vm.id)
  const { changed } = await tellingVmErrors(() => detachVmnic(directory, unitIdOf(vnic, 'vmnic')))
  if (!(vm.vnics as string[]).includes(vnic.id)) return changed
  await changeVnics(client, vm, (vnics) => without(vnics, vnic), machine)
  return true
}

const without = (vnics: readonly string[], { id }: Resource): string[] => vnics.filter((each) => each !== id)

/** The vm, which is on this host. */
async function vmHere(client: ApiClient, { vm: name, host }: Machine): Promise<Resource> {
  const vm = await findVm(client, name, undefined)
  if (vm === undefined) throw new Failure('failed', `there is no vm ${name}; vpc vm create ${name} makes one`, { code: 'not-found' })
  if (vm.host === host.id) return vm
  const there = vm.host === null ? 'on no host' : `on host ${await hostName(client, vm.host)}`
  throw new Failure('conflict', `vm ${name} is ${there}, and this is ${host.name}; run this where it is`, { code: 'elsewhere' })
}

/** Change the vnics of a vm by those that it has. Two commands at once both count. */
export async function changeVnics(
  client: ApiClient,
  vm: Resource,
  change: (vnics: readonly string[]) => readonly string[],
  { host, seconds }: Pick<Machine, 'host' | 'seconds'>,
): Promise<void> {
  const place = { path: `/vms/${vm.id}`, query: `?wait=ready&timeout=${seconds}s` }
  const patchOf = (now: Resource): object => ({ vnics: change(now.vnics as string[]) })
  const { answer } = await changeResource(client, `change the vnics of vm ${vm.name}`, place, patchOf)
  await tellLate(client, (answer.body.late ?? []) as Late[], host, seconds)
}
