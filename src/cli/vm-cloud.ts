/** Virtual machines that a cloud knows by name: its vm and vnic, and the machine on this host. */
import type { Vpc } from '#client/vpc.ts'
import type { Resource } from '#resource/envelope.ts'
import type { VmDefinition } from '#vm/definition.ts'
import { createVm, destroyVm, runVm } from '#vm/life.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { ApiClient } from './cloud/api-client.ts'
import { clientForNames } from './cloud/client-for-names.ts'
import { addressing, hostName, unitIdOf, untilThere } from './cloud/attach-vnic.ts'
import { findVm, placeGuest, removeGuest, type Guest, type Place, type Told } from './cloud/guest-vm.ts'
import { clientOf } from './cloud/resource-actions.ts'
import type { Context } from './command.ts'
import { Failure } from './failure.ts'
import { alreadySo, done } from './outcome.ts'
import { thisHost } from './this-host.ts'
import { allOrNothing, type Undo } from './undo.ts'
import { checkSame, definitionOf, seedOf, sshKeysOf, userDataOf, type MachineValues } from './vm-definition.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { baseOf, isUuid, machineNamed } from './vm-options.ts'
import { viewVm } from './vm-view.ts'

interface CloudValues {
  readonly context: string | undefined
  readonly account: string | undefined
  readonly timeout: number
  readonly agentStateDir: string
  readonly vmDir: string | undefined
}

interface CreateValues extends CloudValues, MachineValues {
  readonly subnet: string | undefined
  readonly group: readonly string[]
  readonly host: string | undefined
}

/** `vpc vm create NAME`: all of it, or nothing. */
export async function createCloudVm(name: string, given: CreateValues, { output, vpc }: Context): Promise<void> {
  const base = baseOf(given.vmDir)
  const { host, isHere } = await placeOf(given)
  // What is wrong with the words is said before anything is made.
  if (isHere) await tellingVmErrors(() => definitionOf(given, { id: '', name, vmnics: [], ownDisk: '' }))
  const { subnet, group: groups, account, timeout: seconds } = given
  const client = clientOf({ ...given })
  const told = toldBy(given)
  await allOrNothing(async (undo) => {
    const guest = await placeGuest(client, { name, subnet, groups, account, host, seconds, told }, undo)
    const { vm, vnic } = guest
    const network = await addressing(client, vnic)
    if (told !== undefined) checkTells(network.subnet)
    const { addresses } = network
    const where = `on host ${host.name}: ${addresses.join(' ')}`
    if (!isHere) {
      const said = `vm ${name} (${vm.id}) is plugged in ${where}; the same command there starts it`
      return guest.changed ? done(output, said, { vm, vnic, addresses }) : alreadySo(output, said, { vm, vnic, addresses })
    }
    const directory = new VmDirectory(base, vm.id)
    const hasStarted = await startMachine({ directory, definition: await machineOf(guest, network, given, directory), vpc, seconds }, undo)
    const said = `vm ${name} (${vm.id}) runs ${where}`
    const value = { vm, vnic, addresses, machine: await viewVm(directory) }
    if (guest.changed || hasStarted) done(output, said, value)
    else alreadySo(output, said, value)
  })
}

/** What metadata tells the guest; undefined: a disk does. */
const toldBy = (given: MachineValues): Told | undefined =>
  seedOf(given, true) === 'metadata' ? { sshKeys: sshKeysOf(given), userData: userDataOf(given) ?? null } : undefined

/** cloud-init needs an address by DHCP, and an answer. */
function checkTells({ id, name, metadata, dhcp }: Resource): void {
  if (metadata === true && dhcp !== null && dhcp !== undefined) return
  const [lacks, word] = metadata === true ? ['DHCP', 'dhcp={}'] : ['metadata', 'metadata=true']
  const called = name ?? id
  const wayOut = `vpc cloud subnet set ${called} --${word} gives it, or use --seed=disk`
  throw new Failure('conflict', `subnet ${called} has no ${lacks}, so cloud-init would find nothing there; ${wayOut}`, {
    code: 'no-metadata',
  })
}

/** The host that is meant, and whether it is this machine. */
async function placeOf({ host, agentStateDir, ...values }: CreateValues): Promise<{ host: Place; isHere: boolean }> {
  if (host === undefined) return { host: await thisHost(agentStateDir), isHere: true }
  const client = clientOf({ ...values })
  const { id, name } = (await client.must<Resource>(`find host ${host}`, 'GET', `/hosts/${encodeURIComponent(host)}`)).body
  const here = await thisHost(agentStateDir).catch((error: unknown) => {
    if (error instanceof Failure && error.kind === 'failed') return undefined
    throw error
  })
  return { host: { id, name: name ?? id }, isHere: here?.id === id }
}

type Network = Awaited<ReturnType<typeof addressing>>

/** The definition of the machine on this host. */
function machineOf({ vm, vnic }: Guest, network: Network, given: MachineValues, { ownDisk }: VmDirectory): Promise<VmDefinition> {
  const networkConfig = networkConfigOf(vnic.mac as string, network)
  return tellingVmErrors(() => definitionOf(given, { id: vm.id, name: vm.name, vmnics: [unitIdOf(vnic, 'vmnic')], ownDisk, networkConfig }))
}

/** What cloud-init needs to configure the interface: JSON is YAML. */
function networkConfigOf(mac: string, { addresses, gateways }: Network): string {
  const routes = gateways.map((via) => ({ to: via.includes(':') ? '::/0' : '0.0.0.0/0', via }))
  const ethernet = { match: { macaddress: mac }, addresses, ...(routes.length > 0 && { routes }) }
  return `${JSON.stringify({ version: 2, ethernets: { vnic0: ethernet } }, null, 2)}\n`
}

interface Start {
  readonly directory: VmDirectory
  readonly definition: VmDefinition
  readonly vpc: () => Promise<Vpc>
  readonly seconds: number
}

/** Have the machine, and have it run. Gives whether it was started. */
async function startMachine({ directory, definition, vpc, seconds }: Start, undo: Undo): Promise<boolean> {
  if (directory.exists()) checkSame(directory, definition)
  else {
    await tellingVmErrors(() => createVm(directory, definition))
    undo.push('remove the machine', () => destroyVm(directory, { isForced: true }))
  }
  const local = await vpc()
  for (const id of definition.vmnics) await (await untilThere(() => local.openVmnic(id))).close()
  const { changed } = await tellingVmErrors(() => runVm(directory, vpc, { timeoutMs: seconds * 1000, progress }))
  return changed
}

/** `vpc vm destroy NAME`: the machine on this host, and what the cloud knows of it. */
export async function destroyCloudVm(name: string, given: CloudValues, { output }: Context): Promise<void> {
  const base = baseOf(given.vmDir)
  const client = clientOf({ ...given })
  const known = await findVm(client, name, given.account)
  const { vm, directory } =
    known === undefined ? await hereOf(client, base, name, given) : { vm: known, directory: new VmDirectory(base, known.id) }
  if (vm !== undefined && vm.host !== null && vm.host !== undefined) await checkIsHere(client, vm, given)
  const wasHere = directory !== undefined && (await tellingVmErrors(() => destroyVm(directory)))
  if (vm !== undefined) await removeGuest(client, vm, given.timeout)
  if (vm === undefined && !wasHere) return alreadySo(output, `there is no vm ${name}`)
  done(output, `destroyed vm ${name}`, { id: vm?.id ?? directory!.id })
}

/** Whether the cloud, if any, has a vm of a name that is also how an id begins. */
export async function isCloudName(name: string, { context }: CloudValues): Promise<boolean> {
  const client = isUuid(name) ? undefined : clientForNames(context)
  const vm = client === undefined ? undefined : await findVm(client, name, undefined)
  return vm?.name === name
}

interface Meant {
  readonly vm?: Resource | undefined
  readonly directory?: VmDirectory | undefined
}

/**
 * What is meant where the cloud has no vm of that name. It knows names and whole ids; this host knows how an id begins,
 * too, and machines that no cloud knows any more. A machine of this host has no account: with one nothing here is
 * meant. Throws a Failure where only the name fits, and the cloud has the machine under another account or name.
 */
async function hereOf(client: ApiClient, base: string, name: string, { account }: CloudValues): Promise<Meant> {
  const directory = account === undefined ? machineNamed(base, name) : undefined
  const vm = directory === undefined ? undefined : await findVm(client, directory.id, undefined)
  if (vm === undefined || directory!.id.startsWith(name.toLowerCase())) return { vm, directory }
  const wayOut = `if you mean that, name its account, or destroy it by its id: vpc vm destroy ${vm.id}`
  throw new Failure('conflict', `${name} on this host is vm ${vm.name} of another account or name in the cloud; ${wayOut}`, {
    code: 'elsewhere',
  })
}

async function checkIsHere(client: ApiClient, vm: Resource, { agentStateDir }: CloudValues): Promise<void> {
  const here = await thisHost(agentStateDir)
  if (here.id === vm.host) return
  const there = await hostName(client, vm.host)
  throw new Failure(
    'conflict',
    `vm ${vm.name} is on host ${there}, and this is ${here.name}; destroy it there, or evacuate a dead host first`,
    {
      code: 'elsewhere',
    },
  )
}
