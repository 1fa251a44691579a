/** An interface of a libvirt domain in a switch of this host: a vmnic and a port, with ids that follow. */
import type { Id } from '#abi/id.ts'
import { nameProblem } from '#abi/object-name.ts'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import { openIfThere, openOrCreate } from '../create-object.ts'
import { parseGiven, GivenName, idOfName } from '../given-name.ts'
import { usageFailure } from '../failure.ts'
import { plugIn } from '../local-attachment.ts'
import type { Undo } from '../undo.ts'
import type { HostWish } from './domain.ts'
import type { MadeHere } from './record.ts'

export interface HostInterface extends HostWish {
  readonly domain: string
  readonly dev: string
  readonly mac: string
  readonly queues: number
  readonly addresses: readonly string[]
}

/** What will be made. */
export async function planHere(vpc: Vpc, { domain, dev, mac, switch: given }: HostInterface): Promise<MadeHere> {
  const key = ['libvirt', domain, dev]
  return { in: 'switch', switch: await switchOf(vpc, given), port: objectId('vpcp', key), vmnic: objectId('vmnic', key, mac) }
}

/** The switch of a name, a unit name or an id. */
async function switchOf(vpc: Vpc, given: string): Promise<Id> {
  const read = parseGiven(given, ['vpcsw'])
  if (!read.ok) throw usageFailure(`switch: ${read.problem}`)
  const named: unknown = read.value
  if (!(named instanceof GivenName)) return read.value
  await using mgmt = await vpc.mgmt()
  return (await idOfName(named, mgmt)).id
}

/** Have it so. Repeating it changes nothing. */
export async function makeHere(vpc: Vpc, made: MadeHere, wanted: HostInterface, undo: Undo): Promise<void> {
  await using sw = await vpc.openSwitch(made.switch, { write: true })
  const { descriptor, isNew } = await openOrCreate((options) => vpc.openVmnic(made.vmnic, options))
  await using vmnic = descriptor
  const name = nameProblem(wanted.dev) === undefined ? wanted.dev : null
  const before = await vmnic.describe()
  if (before.queues !== wanted.queues) await vmnic.setQueues(wanted.queues)
  if (before.name !== name) await vmnic.setName(name)
  await plugIn(vpc, sw, made.port, { interface: made.vmnic, addresses: wanted.addresses }, undo)
  await using port = await vpc.openPort(made.port, { write: true })
  const is = await port.describe()
  const { vni = (await sw.describe()).vni, vlan = 0, hostname = null } = wanted
  if (is.vni !== vni) await port.setVni(vni)
  if (is.vlan !== vlan) await port.setVlan(vlan)
  if (is.hostname !== hostname) await port.setHostname(hostname)
  if (is.name !== name) await port.setName(name)
  // Until it is committed, a new one goes with this process.
  if (!isNew) return
  await vmnic.commit()
  undo.push('the vmnic', () => destroyVmnic(vpc, made.vmnic))
}

/** Take it away. What is gone already is no error. */
export async function removeHere(vpc: Vpc, { switch: id, port, vmnic }: MadeHere): Promise<void> {
  await using sw = await openIfThere((options) => vpc.openSwitch(id, options))
  if (sw !== undefined && (await sw.describe()).ports.includes(port)) await sw.deletePort(port)
  await destroyVmnic(vpc, vmnic)
}

async function destroyVmnic(vpc: Vpc, id: Id): Promise<void> {
  await using vmnic = await openIfThere((options) => vpc.openVmnic(id, options))
  await vmnic?.destroy()
}
