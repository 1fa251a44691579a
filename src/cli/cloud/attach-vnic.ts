/** Plugs a vnic in on this host and hands it over to a container, or has its vmnic ready for a virtual machine. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Id } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { Failure } from '../failure.ts'
import { isRefusal } from '../outcome.ts'
import type { Undo } from '../undo.ts'
import { progress } from '../vm-failure.ts'
import type { ApiClient } from './api-client.ts'
import { at } from './resource-actions.ts'

const kind = kindOf('vnic')

export type UnitKind = 'hostif' | 'vmnic'

export interface Binding {
  readonly host: string
  readonly unit: UnitKind
}

/** A host that has not done a change yet. */
export interface Late {
  readonly host: string
  readonly error: { readonly text: string } | null
}

/** A vnic that is wanted: what it is like if it is made. */
interface Wanted {
  readonly subnet: string | undefined
  readonly groups: readonly string[]
  readonly addresses?: readonly string[]
  /** Of a new one; the API chooses it unless given. */
  readonly mac?: string
  readonly query: URLSearchParams
}

/** The vnic of a name or id. Where there is none and a subnet is named, make it there. */
export async function findOrMake(
  client: ApiClient,
  name: string,
  { subnet, groups, addresses = [], mac, query }: Wanted,
  undo: Undo,
): Promise<Resource> {
  const found = await client.find(`find vnic ${name}`, at(kind, name, query))
  if (found !== undefined) return inSubnet(client, withAddresses(found, addresses), subnet)
  if (subnet === undefined)
    throw new Failure('failed', `there is no vnic ${name}; give --subnet, and it is made there`, { code: 'not-found' })
  const home = (await client.must<Resource>(`find subnet ${subnet}`, 'GET', `/subnets/${encodeURIComponent(subnet)}`)).body
  const vpc = (await client.must<Resource>('find its vpc', 'GET', `/vpcs/${home.vpc}`)).body
  const body = {
    name,
    account: vpc.account,
    subnet: home.id,
    ...(groups.length > 0 && { groups }),
    ...(addresses.length > 0 && { addresses }),
    ...(mac !== undefined && { mac }),
  }
  const made = (await client.must<Resource>(`create vnic ${name}`, 'POST', `/${kind.plural}`, body)).body
  undo.push(`destroy vnic ${name}`, () => client.must('destroy it', 'DELETE', `/${kind.plural}/${made.id}`))
  progress(`created vnic ${name}: ${(made.addresses as string[]).join(' ')}`)
  return made
}

/** A vnic that is there is in its subnet: another one that is asked for is a mistake. */
async function inSubnet(client: ApiClient, vnic: Resource, subnet: string | undefined): Promise<Resource> {
  if (subnet === undefined) return vnic
  const asked = (await client.must<Resource>(`find subnet ${subnet}`, 'GET', `/subnets/${encodeURIComponent(subnet)}`)).body
  if (asked.id === vnic.subnet) return vnic
  throw new Failure('conflict', `vnic ${vnic.name ?? vnic.id} exists in another subnet than ${subnet}; give the new one another name`, {
    code: 'exists',
  })
}

/** A vnic that is there has its addresses: others that are asked for are a mistake. */
function withAddresses(vnic: Resource, asked: readonly string[]): Resource {
  const own = vnic.addresses as string[]
  const missing = asked.filter((address) => !own.includes(address))
  if (missing.length === 0) return vnic
  const name = vnic.name ?? vnic.id
  throw new Failure('conflict', `vnic ${name} exists without ${missing.join(', ')}; vpc vnic set ${name} --address changes its addresses`, {
    code: 'exists',
  })
}

const bindingPath = ({ id }: Resource): string => `/${kind.plural}/${id}/binding`

/** Plug it in here, and wait until this host has done it. Gives whether anything changed. */
export async function plugHere(client: ApiClient, vnic: Resource, wanted: Binding, seconds: number, undo: Undo): Promise<boolean> {
  const before = vnic.binding as Binding | null
  const isSame = before !== null && before.host === wanted.host && before.unit === wanted.unit
  if (!isSame) progress(before === null ? 'plugging it in on this host' : 'moving it to this host')
  const what = `plug vnic ${vnic.name ?? vnic.id} in`
  const { body } = await client.must<Resource>(what, 'PUT', `${bindingPath(vnic)}?wait=ready&timeout=${seconds}s`, wanted)
  if (!isSame)
    undo.push('plug it where it was', () =>
      before === null
        ? client.must('unplug it', 'DELETE', bindingPath(vnic))
        : client.must('plug it where it was', 'PUT', bindingPath(vnic), { host: before.host, unit: before.unit }),
    )
  await tellLate(client, (body.late ?? []) as Late[], { id: wanted.host, name: 'this host' }, seconds)
  return !isSame
}

/** The host itself must have done it. Others are named: packets reach them when they have. */
export async function tellLate(
  client: ApiClient,
  late: readonly Late[],
  { id, name }: { readonly id: string; readonly name: string },
  seconds: number,
): Promise<void> {
  for (const { host, error } of late) {
    const text = error?.text ?? `it has not done it within ${seconds} s`
    if (host === id)
      throw new Failure('failed', `${name} has not plugged it in: ${text}; vpc agent status there says more`, { code: 'late' })
    progress(`host ${await hostName(client, host)} is late: ${text}`)
  }
}

/** What people call a host that they may know. */
export async function hostName(client: ApiClient, id: unknown): Promise<string> {
  const { status, body } = await client.ask('GET', `/hosts/${String(id)}`)
  return status === 200 ? ((body as Resource).name ?? String(id)) : String(id)
}

/** The object of vpcd that is the vnic's interface on its host. */
export const unitIdOf = (vnic: Resource, unit: UnitKind): Id => objectId(unit, [vnic.id], vnic.mac as string)

/** Addresses with the prefix lengths of the subnet, and the gateways if a router joins it. `known`: that subnet. */
export async function addressing(
  client: ApiClient,
  vnic: Resource,
  known?: Resource,
): Promise<{ readonly addresses: string[]; readonly gateways: string[]; readonly subnet: Resource }> {
  const subnet = known ?? (await client.must<Resource>('find its subnet', 'GET', `/subnets/${vnic.subnet}`)).body
  const lengthOf = (address: string): string => {
    const network = (address.includes(':') ? subnet.network6 : subnet.network4) as string | null
    return network?.split('/')[1] ?? (address.includes(':') ? '128' : '32')
  }
  const routers = await client.list('find the router of its subnet', 'routers', new URLSearchParams({ vpc: subnet.vpc as string }))
  const isRouted = routers.some(
    ({ enabled, interfaces }) => enabled === true && (interfaces as { subnet: string }[]).some((each) => each.subnet === subnet.id),
  )
  const own = vnic.addresses as string[]
  const has = (six: boolean): boolean => own.some((address) => address.includes(':') === six)
  const gateways = [has(false) ? subnet.gateway4 : null, has(true) ? subnet.gateway6 : null]
  return {
    subnet,
    addresses: own.map((address) => `${address}/${lengthOf(address)}`),
    gateways: isRouted ? gateways.filter((each): each is string => typeof each === 'string') : [],
  }
}

/** Hand the hostif over. Gives whether anything changed, and the MTU of the interface. */
export async function handOver(
  vpc: Vpc,
  id: Id,
  guest: object,
  undo: Undo,
): Promise<{ readonly isChanged: boolean; readonly mtuBytes: number }> {
  await using hostif = await untilThere(() => vpc.openHostif(id, { write: true }))
  const { guest: before } = await hostif.describe()
  const isSame = JSON.stringify(before) === JSON.stringify(guest)
  if (!isSame) {
    progress('handing it over to the container')
    await hostif.setGuest(guest)
    undo.push('take it back', async () => {
      await using again = await vpc.openHostif(id, { write: true })
      await again.setGuest(before)
    })
  }
  const { trouble, mtuBytes } = await hostif.describe()
  if (trouble !== null) throw new Failure('failed', trouble)
  return { isChanged: !isSame, mtuBytes }
}

const thereMs = 10_000

/** The agent says that it has made an object; it may be made anew at this moment. */
export async function untilThere<T>(open: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + thereMs; ; await sleep(50)) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof VpcError) || !isRefusal(error, 'ENOENT') || error.name === 'DaemonUnreachable') throw error
      if (performance.now() > end) throw error
    }
  }
}
