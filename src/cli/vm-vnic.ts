/** Further vnics of a virtual machine that a cloud knows: its vm in the cloud, and the machine on this host. */
import type { Vpc } from '#client/vpc.ts'
import type { Resource } from '#resource/envelope.ts'
import { attachVmnic, detachVmnic } from '#vm/life.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { ApiClient } from './cloud/api-client.ts'
import { hostName, tellLate, unitIdOf, untilThere, type Late } from './cloud/attach-vnic.ts'
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
  const before = vm.vnics as string[]
  const isNew = !before.includes(vnic.id)
  if (isNew) {
    progress(`giving vm ${vm.name} vnic ${vnic.name ?? vnic.id}`)
    await setVnics(client, vm, [...before, vnic.id], machine)
    undo.push(`take it from vm ${vm.name}`, () => setVnics(client, vm, before, machine))
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
  const before = vm.vnics as string[]
  if (!before.includes(vnic.id)) return changed
  await setVnics(
    client,
    vm,
    before.filter((id) => id !== vnic.id),
    machine,
  )
  return true
}

/** The vm, which is on this host. */
async function vmHere(client: ApiClient, { vm: name, host }: Machine): Promise<Resource> {
  const vm = await findVm(client, name, undefined)
  if (vm === undefined) throw new Failure('failed', `there is no vm ${name}; vpc vm create ${name} makes one`, { code: 'not-found' })
  if (vm.host === host.id) return vm
  const there = vm.host === null ? 'on no host' : `on host ${await hostName(client, vm.host)}`
  throw new Failure('conflict', `vm ${name} is ${there}, and this is ${host.name}; run this where it is`, { code: 'elsewhere' })
}

async function setVnics(client: ApiClient, vm: Resource, vnics: readonly string[], { host, seconds }: Machine): Promise<void> {
  const path = `/vms/${vm.id}?wait=ready&timeout=${seconds}s`
  const { body } = await client.must<Resource>(`change the vnics of vm ${vm.name}`, 'PATCH', path, { vnics }, { 'if-match': '*' })
  await tellLate(client, (body.late ?? []) as Late[], host, seconds)
}
