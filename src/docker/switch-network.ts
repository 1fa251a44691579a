/** Networks of docker on a switch of this host: an endpoint is a hostif in a port with docker's addresses. */
import type { Id } from '#abi/id.ts'
import { openIfThere, openOrCreate } from '#cli/create-object.ts'
import { switchOfName } from '#cli/given-name.ts'
import { plugIn } from '#cli/local-attachment.ts'
import type { Undo } from '#cli/undo.ts'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import { DriverError } from './message.ts'
import type { Endpoint, Network } from './state.ts'

type OnSwitch = Extract<Network['on'], { readonly switch: string }>

/** The switch of a network: the one that is named, or one of its own for a VNI. */
export async function switchFor(
  vpc: Vpc,
  network: string,
  { name, vni }: { readonly name: string | undefined; readonly vni: string | undefined },
): Promise<OnSwitch> {
  const number = vni === undefined ? 0 : Number(vni)
  if (vni !== undefined && !(Number.isInteger(number) && number >= 1 && number <= 0xff_ff_fe))
    throw new DriverError(`vpc.vni is a number from 1 to 16777214, not '${vni}'`)
  if (name !== undefined) return { switch: await switchOfName(vpc, name), isOwn: false, vni: number }
  const id = objectId('vpcsw', ['docker', network])
  const { descriptor, isNew } = await openOrCreate((options) => vpc.openSwitch(id, options))
  await using sw = descriptor
  if (isNew) await sw.setVni(number)
  await sw.commit()
  return { switch: id, isOwn: true, vni: number }
}

/** The switch that a network had of its own goes with it. */
export async function removeSwitch(vpc: Vpc, { switch: id, isOwn }: OnSwitch): Promise<void> {
  if (!isOwn) return
  await using sw = await openIfThere((options) => vpc.openSwitch(id as Id, options))
  await sw?.destroy()
}

interface Wanted {
  readonly id: string
  readonly addresses: readonly string[]
  readonly mac: string | undefined
}

/** Have an interface for an endpoint. Repeating it changes nothing. */
export async function plugEndpoint(
  vpc: Vpc,
  { switch: sw, vni }: OnSwitch,
  { id, addresses, mac }: Wanted,
  undo: Undo,
): Promise<{ readonly hostif: Id; readonly port: Id; readonly mac: string }> {
  // A container that starts again has the same address and another endpoint: others remember its MAC address.
  const parts = ['docker', sw, ...(addresses.length > 0 ? addresses : [id])]
  const ids = { hostif: objectId('hostif', parts, mac), port: objectId('vpcp', parts) }
  await using over = await vpc.openSwitch(sw as Id, { write: true })
  const { descriptor } = await openOrCreate((options) => vpc.openHostif(ids.hostif, options))
  await using hostif = descriptor
  await plugIn(vpc, over, ids.port, { interface: ids.hostif, addresses, vni }, undo)
  await hostif.commit()
  return { ...ids, mac: (await hostif.describe()).mac }
}

/** Its interface and port go. What is gone already is no error. */
export async function unplugEndpoint(vpc: Vpc, { switch: id }: OnSwitch, { hostif: hostifId, port }: Endpoint): Promise<void> {
  await using sw = await openIfThere((options) => vpc.openSwitch(id as Id, options))
  if (sw !== undefined && port !== undefined && (await sw.describe()).ports.includes(port as Id)) await sw.deletePort(port as Id)
  await using hostif = await openIfThere((options) => vpc.openHostif(hostifId as Id, options))
  await hostif?.destroy()
}
