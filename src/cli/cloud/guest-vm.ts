/** The guest of a cloud that is a virtual machine: its vm and its vnic, and the host that both are on. */
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { Failure } from '../failure.ts'
import type { Undo } from '../undo.ts'
import { progress } from '../vm-failure.ts'
import type { ApiClient } from './api-client.ts'
import { findOrMake, hostName, tellLate, type Binding, type Late } from './attach-vnic.ts'
import { at } from './resource-actions.ts'

const kind = kindOf('vm')
const anyRevision = { 'if-match': '*' }

/** A host by its id, with what to call it. */
export interface Place {
  readonly id: string
  readonly name: string
}

export interface GuestRequest {
  readonly name: string
  readonly subnet: string | undefined
  readonly groups: readonly string[]
  readonly account: string | undefined
  readonly host: Place
  readonly seconds: number
  /** What metadata tells it; undefined: something else tells it. */
  readonly told: Told | undefined
}

/** Fields of a vm. */
export interface Told {
  readonly sshKeys: readonly string[]
  readonly userData: string | null
}

export interface Guest {
  readonly vm: Resource
  readonly vnic: Resource
  readonly changed: boolean
}

const accountWord = (account: string | undefined): URLSearchParams => new URLSearchParams(account === undefined ? {} : { account })

/** The vm of a name; undefined: there is none. */
export const findVm = (client: ApiClient, name: string, account: string | undefined): Promise<Resource | undefined> =>
  client.find(`find vm ${name}`, at(kind, name, accountWord(account)))

/** Have a guest of a name with a vnic of that name, on a host that is ready for it. */
export async function placeGuest(client: ApiClient, request: GuestRequest, undo: Undo): Promise<Guest> {
  const { name, subnet, groups, account, host, seconds, told } = request
  const before = await findVm(client, name, account)
  if (before !== undefined) await checkHere(client, before, host)
  const vnic = await findOrMake(client, name, { subnet, groups, query: accountWord(account) }, undo)
  const isNew = before === undefined
  const vm = before ?? (await makeVm(client, vnic, request, undo))
  if (!isNew) checkVm(vm, vnic, told)
  const isPlaced = vm.host === host.id
  if (!isPlaced) await placeVm(client, vm, host, undo)
  // The vnic is as it is: this only waits.
  const { body } = await client.must<Resource>(
    `wait for vnic ${name}`,
    'PATCH',
    `/vnics/${vnic.id}?wait=ready&timeout=${seconds}s`,
    {},
    anyRevision,
  )
  await tellLate(client, (body.late ?? []) as Late[], host, seconds)
  return { vm, vnic, changed: isNew || !isPlaced }
}

/** A guest that runs elsewhere is not taken away from there by the way. */
async function checkHere(client: ApiClient, vm: Resource, host: Place): Promise<void> {
  if (typeof vm.host !== 'string' || vm.host === host.id) return
  const there = await hostName(client, vm.host)
  throw new Failure('conflict', `vm ${vm.name} is on host ${there}, not on ${host.name}; run this there, or destroy it there first`, {
    code: 'elsewhere',
  })
}

function checkVm({ name, type, vnics, sshKeys, userData }: Resource, vnic: Resource, told: Told | undefined): void {
  if (type !== 'kvm')
    throw new Failure('conflict', `vm ${name} is a ${String(type)}, and no virtual machine; give the new one another name`)
  if (!(vnics as string[]).includes(vnic.id))
    throw new Failure('conflict', `vm ${name} exists, and vnic ${name} is not its own; give the new one another name`, { code: 'exists' })
  if (told === undefined || JSON.stringify([sshKeys, userData]) === JSON.stringify([told.sshKeys, told.userData])) return
  throw new Failure('conflict', `vm ${name} exists with other keys or user data; vpc cloud vm set ${name} changes them`, { code: 'exists' })
}

async function makeVm(client: ApiClient, vnic: Resource, { name, host, told }: GuestRequest, undo: Undo): Promise<Resource> {
  const binding = vnic.binding as Binding | null
  if (binding?.unit === 'hostif')
    throw new Failure('conflict', `vnic ${name} is the interface of a container; detach it first, or give the guest another name`, {
      code: 'in-use',
    })
  const body = { name, account: vnic.account, type: 'kvm', vnics: [vnic.id], ...told }
  const vm = (await client.must<Resource>(`create vm ${name}`, 'POST', `/${kind.plural}`, body)).body
  undo.push(`destroy vm ${name}`, () => client.must('destroy it', 'DELETE', `/${kind.plural}/${vm.id}`))
  progress(`created vm ${name}; plugging it in on host ${host.name}`)
  return vm
}

async function placeVm(client: ApiClient, vm: Resource, host: Place, undo: Undo): Promise<void> {
  await client.must(`place vm ${vm.name} on host ${host.name}`, 'PATCH', `/${kind.plural}/${vm.id}`, { host: host.id }, anyRevision)
  undo.push(`take it off host ${host.name}`, () => unplace(client, vm))
}

const unplace = (client: ApiClient, vm: Resource, wait = ''): Promise<unknown> =>
  client.must(`take vm ${vm.name} off its host`, 'PATCH', `/${kind.plural}/${vm.id}${wait}`, { host: null }, anyRevision)

/** Destroy a vm whose machine does not run any more, and the vnics that bear its name. Other vnics stay. */
export async function removeGuest(client: ApiClient, vm: Resource, seconds: number): Promise<void> {
  const vnics = await Promise.all((vm.vnics as string[]).map((id) => client.must<Resource>('find its vnic', 'GET', `/vnics/${id}`)))
  await unplace(client, vm, `?wait=ready&timeout=${seconds}s`)
  await client.must(`destroy vm ${vm.name}`, 'DELETE', `/${kind.plural}/${vm.id}`)
  for (const { body } of vnics) if (body.name === vm.name) await client.must(`destroy vnic ${body.name}`, 'DELETE', `/vnics/${body.id}`)
}
