/** Makes the interfaces of libvirt's domains and takes them away. */
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import { untilThere } from '../cloud/attach-vnic.ts'
import { openIfThere } from '../create-object.ts'
import { Failure } from '../failure.ts'
import { thisHost } from '../this-host.ts'
import type { Undo } from '../undo.ts'
import { makeInCloud, planInCloud, removeInCloud } from './cloud-interface.ts'
import { giveName } from './device-name.ts'
import type { Wish } from './domain.ts'
import { makeHere, planHere, removeHere } from './host-interface.ts'
import { forget, note, recordsOf, type MadeHere, type MadeInCloud, type Recorded } from './record.ts'

export interface Surroundings {
  readonly vpc: () => Promise<Vpc>
  readonly stateDir: string
  readonly agentStateDir: string
  readonly context: string | undefined
  readonly seconds: number
}

/** An interface that a domain wants. */
export interface Wanted extends Wish {
  readonly domain: string
  readonly name: string
  /** Undefined: the API chooses it. */
  readonly mac: string | undefined
  readonly queues: number
  readonly mtuBytes: number | undefined
}

/** What the domain's interface must be like. */
export interface Ready {
  readonly device: string
  readonly mac: string
  readonly mtuBytes: number
}

/** Have an interface. Repeating it changes nothing. After a failure nothing is left. */
export async function makeInterface(wanted: Wanted, around: Surroundings, undo: Undo): Promise<Ready> {
  const { domain, dev } = wanted
  const before = recordsOf(around.stateDir, domain).find((each) => each.dev === dev)
  if (before === undefined) undo.push('the record', async () => forget(around.stateDir, wanted))
  const vmnicId = 'host' in wanted.to ? await here(wanted, around, undo) : await inCloud(wanted, before?.made, around, undo)
  const client = await around.vpc()
  await using vmnic = await untilThere(() => client.openVmnic(vmnicId))
  const { unit, device, mac, mtuBytes } = await vmnic.describe()
  if (device === 'missing') throw new Failure('failed', `${unit} has no device; vpc audit says why`)
  if ((await vmnic.openQueues()) > 0)
    throw new Failure('conflict', `another guest has ${unit} of ${dev}; stop that one first`, { code: 'EBUSY' })
  if (wanted.mtuBytes !== undefined && wanted.mtuBytes > mtuBytes)
    throw new Failure(
      'conflict',
      `${dev} of domain ${wanted.name} tells its guest an MTU of ${wanted.mtuBytes}, and ${unit} takes ${mtuBytes}; have <mtu size='${mtuBytes}'/>`,
    )
  giveName(device, dev)
  return { device, mac, mtuBytes }
}

async function here(wanted: Wanted, { vpc, stateDir }: Surroundings, undo: Undo): Promise<MadeHere['vmnic']> {
  const { domain, name, dev, mac, to } = wanted
  if (!('host' in to) || mac === undefined) throw new TypeError('an interface of this host has a MAC address')
  const client = await vpc()
  const wish = { ...wanted, ...to.host, hostname: to.host.hostname ?? hostNameOf(name), mac }
  const made = await planHere(client, wish)
  note(stateDir, { domain, name, dev, mac, made })
  await makeHere(client, made, wish, undo)
  return made.vmnic
}

async function inCloud(wanted: Wanted, before: Recorded['made'] | undefined, around: Surroundings, undo: Undo): Promise<MadeHere['vmnic']> {
  const { domain, name, dev, mac, addresses, to } = wanted
  const { stateDir, agentStateDir, context, seconds } = around
  if (!('cloud' in to)) throw new TypeError('an interface of the cloud has a vnic')
  const { id: host } = await thisHost(agentStateDir)
  const wish = { ...to.cloud, addresses, mac, context, host, seconds }
  const plan = await planInCloud(wish, before?.in === 'cloud' ? before : undefined)
  const write = (made: MadeInCloud, is: string): void => note(stateDir, { domain, name, dev, mac: is, made })
  write(plan, mac ?? noMac)
  const { vnic, vmnic } = await makeInCloud(wish, undo)
  write({ ...plan, vnic: vnic.id }, vnic.mac as string)
  return vmnic
}

/** Until the API has chosen one. */
const noMac = '00:00:00:00:00:00'

/** The domain's name, if DNS can have it. */
const hostNameOf = (name: string): string | undefined => {
  const lower = name.toLowerCase()
  return /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/.test(lower) ? lower : undefined
}

/** Take an interface away. Throws a Failure while a guest has it. */
export async function removeInterface(recorded: Recorded, { vpc, stateDir, agentStateDir }: Surroundings): Promise<void> {
  const { made, dev, name } = recorded
  const client = await vpc()
  const vmnicId = made.in === 'switch' ? made.vmnic : objectId('vmnic', [made.vnic], recorded.mac)
  await using vmnic = await openIfThere((options) => client.openVmnic(vmnicId, options))
  if (vmnic !== undefined && (await vmnic.openQueues()) > 0)
    throw new Failure('conflict', `a guest has ${dev} of domain ${name}`, { code: 'EBUSY' })
  if (made.in === 'switch') await removeHere(client, made)
  else await removeInCloud(made, (await thisHost(agentStateDir)).id)
  forget(stateDir, recorded)
}
