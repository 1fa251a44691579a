/** What `vpc attach` makes of this host's objects alone: a hostif and a port, with ids that follow. */
import { pidOf } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import type { Switch } from '#client/switch.ts'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import { connectPort } from './connect-port.ts'
import { openIfThere, openOrCreate } from './create-object.ts'
import { Failure } from './failure.ts'
import type { Undo } from './undo.ts'

/** A container's interface in a switch. */
export interface Attachment {
  /** Which container it is, also when it was made anew. */
  readonly key: string
  readonly netns: string
  readonly name: string
  /** With prefix lengths. */
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
}

/** The ids of an attachment: the same each time, so that a repeat finds its own objects. */
const idsOf = (sw: Id, { key, name }: Pick<Attachment, 'key' | 'name'>): { readonly hostif: Id; readonly port: Id } => ({
  hostif: objectId('hostif', ['attach', sw, key, name]),
  port: objectId('vpcp', ['attach', sw, key, name]),
})

const bare = (address: string): string => address.split('/')[0]!

/** Have it so: gives whether anything changed. */
export async function attach(
  vpc: Vpc,
  id: Id,
  wanted: Attachment,
  undo: Undo,
): Promise<{ readonly changed: boolean; readonly unit: string; readonly mac: string }> {
  await using sw = await vpc.openSwitch(id, { write: true })
  const { hostif: hostifId, port: portId } = idsOf(id, wanted)
  const { descriptor, isNew } = await openOrCreate((options) => vpc.openHostif(hostifId, options))
  await using hostif = descriptor
  let changed = isNew
  const before = await hostif.describe()
  const guest = { netns: wanted.netns, name: wanted.name, ...present({ addresses: wanted.addresses, gateways: wanted.gateways }) }
  if (JSON.stringify(before.guest) !== JSON.stringify(guest)) {
    await hostif.setGuest(guest)
    if (!isNew) undo.push('its place', () => vpc.openHostif(hostifId, { write: true }).then((again) => again.setGuest(before.guest)))
    changed = true
  }
  changed = (await plugIn(vpc, sw, portId, { interface: hostifId, addresses: [...new Set(wanted.addresses.map(bare))] }, undo)) || changed
  const { trouble, unit, mac } = await hostif.describe()
  if (trouble !== null) throw new Failure('failed', trouble)
  // Until it is committed, a new one goes with this command.
  await hostif.commit()
  return { changed, unit, mac }
}

interface Plug {
  readonly interface: Id
  readonly addresses: readonly string[]
  /** 0: that of its switch. */
  readonly vni?: number
}

/** A port with the addresses, and the interface in it. */
export async function plugIn(vpc: Vpc, sw: Switch, portId: Id, plug: Plug, undo: Undo): Promise<boolean> {
  const { ports } = await sw.describe()
  let changed = !ports.includes(portId)
  if (changed) {
    await sw.addPort(portId)
    undo.push('the port', () => withoutPort(vpc, sw.id, portId))
  }
  await using port = await vpc.openPort(portId, { write: true })
  const { addresses, vni } = await port.describe()
  if (plug.vni !== undefined && plug.vni !== 0 && plug.vni !== vni) await port.setVni(plug.vni)
  if (JSON.stringify(addresses) !== JSON.stringify(plug.addresses)) {
    await port.setAddresses(plug.addresses)
    undo.push('the addresses', () => vpc.openPort(portId, { write: true }).then((again) => again.setAddresses(addresses)))
    changed = true
  }
  return (await connectPort(port, plug.interface)) || changed
}

/** The switch is closed by the time that a step is undone. */
async function withoutPort(vpc: Vpc, id: Id, portId: Id): Promise<void> {
  await using sw = await vpc.openSwitch(id, { write: true })
  await sw.deletePort(portId)
}

/** Take it away: false when it was not there. */
export async function detach(vpc: Vpc, id: Id, wanted: Pick<Attachment, 'key' | 'name'>): Promise<boolean> {
  await using sw = await vpc.openSwitch(id, { write: true })
  const { hostif: hostifId, port: portId } = idsOf(id, wanted)
  const { ports } = await sw.describe()
  const had = ports.includes(portId)
  if (had) await sw.deletePort(portId)
  await using hostif = await openIfThere((options) => vpc.openHostif(hostifId, options))
  await hostif?.destroy()
  return had || hostif !== undefined
}

/** The key of a process that may have ended: by the interfaces that were handed to it. Undefined when there is none. */
export async function keyOfProcess(vpc: Vpc, pid: number): Promise<string | undefined> {
  await using mgmt = await vpc.mgmt()
  const places = (await mgmt.describeAll()).map((info) => info.type === 'hostif' && (info.guest as { netns: string } | null)?.netns)
  return places.find((netns) => typeof netns === 'string' && pidOf(netns)?.pid === pid) || undefined
}

/** As vpcd has a guest: without empty lists. */
const present = (lists: Readonly<Record<string, readonly string[]>>): object =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
