/** `vpc switch port add`. */
import { generateId, type Id } from '#abi/id.ts'
import type { Ethlink } from '#client/ethlink.ts'
import type { Port } from '#client/port.ts'
import type { Switch } from '#client/switch.ts'
import type { Vpc } from '#client/vpc.ts'
import { command } from '../../../command.ts'
import { connectEthlink } from '../../../connect-ethlink.ts'
import { connectPort } from '../../../connect-port.ts'
import { idOfNamed, openOrCreate } from '../../../create-object.ts'
import { Failure, usageFailure } from '../../../failure.ts'
import { fresh, newName, portId, switchId } from '../../../id-options.ts'
import { idOf, interfaceName } from '../../../kinds.ts'
import { flag } from '../../../option.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'
import { allOrNothing, type Undo } from '../../../undo.ts'

export default command({
  path: 'switch port add',
  summary: 'add a port to a switch',
  description: `The port gets the VNI of the switch. If the port is in the switch already, it stays as it is.

    With --uplink the port becomes the uplink of the switch. With --ethlink-id as well, the ethlink is connected to the
    port. With --l2-name, vpcd makes the ethlink if it does not exist, and the ethlink wraps that interface of the host.
    All of this is done, or nothing.`,
  options: {
    switchId,
    portId: fresh(portId, 'vpcp'),
    uplink: flag('make the port the uplink of the switch').short('u'),
    l2Name: interfaceName('interface of the host for the uplink'),
    ethlinkId: idOf('ethlink', 'the ethlink for the uplink'),
  },
  positionals: [newName],
  examples: [
    { line: 'vpc switch port add red web', does: 'a port with a name' },
    { line: 'vpc switch port add red office --uplink --l2-name=eth0', does: 'an uplink through eth0' },
  ],
  async run({ switchId: id, portId: given, uplink, l2Name, ethlinkId }, { vpc, output }, [name]) {
    if (!uplink && (l2Name ?? ethlinkId) !== undefined) throw usageFailure('--l2-name and --ethlink-id are for an uplink; add --uplink')
    const client = await vpc()
    const port = given ?? (await idOfNamed(client, 'vpcp', name))
    const ethlink = ethlinkId ?? (l2Name === undefined ? undefined : await idOfWrapping(client, l2Name))
    await using object = await client.openSwitch(id, { write: true })
    const isChanged = await allOrNothing(async (undo) => {
      let changes = await addPort(object, port, undo)
      if (name !== undefined) changes += await namePort(client, port, name, undo)
      if (ethlink !== undefined) changes += await plugEthlink(client, port, ethlink, l2Name, undo)
      if (uplink) changes += await makeUplink(object, port)
      return changes > 0
    })
    const info = await object.describe()
    const said = `port ${name === undefined ? port : `${name} (${port})`} is ${uplink ? 'the uplink of' : 'in'} ${unitText(info)}`
    if (isChanged) done(output, said, { object: info })
    else alreadySo(output, said, { object: info })
  },
})

/** Each step gives the number of things that it changed. */
async function addPort(object: Switch, port: Id, undo: Undo): Promise<number> {
  const { ports } = await object.describe()
  if (ports.includes(port)) return 0
  await object.addPort(port)
  undo.push('the port', () => object.deletePort(port))
  return 1
}

async function namePort(client: Vpc, id: Id, name: string, undo: Undo): Promise<number> {
  await using port = await client.openPort(id, { write: true })
  const before = await port.name()
  if (before === name) return 0
  await port.setName(name)
  undo.push('the name', () => withPort(client, id, (each) => each.setName(before)))
  return 1
}

async function withPort(client: Vpc, id: Id, act: (port: Port) => Promise<void>): Promise<void> {
  await using port = await client.openPort(id, { write: true })
  await act(port)
}

/** The ethlink that wraps an interface, or a new one. */
async function idOfWrapping(client: Vpc, l2Name: string): Promise<Id> {
  await using mgmt = await client.mgmt()
  const all = await mgmt.describeAll('ethlink')
  return all.find((info) => info.type === 'ethlink' && info.l2Name === l2Name)?.id ?? generateId('ethlink')
}

async function plugEthlink(client: Vpc, port: Id, id: Id, l2Name: string | undefined, undo: Undo): Promise<number> {
  const { descriptor, isNew } = await openEthlink(client, id, l2Name)
  await using ethlink = descriptor
  let changes = isNew ? 1 : 0
  if (l2Name !== undefined && (await connectEthlink(ethlink, l2Name))) {
    changes++
    // A new one goes as a whole, with its connections: uncommitted when its descriptor is closed, then by `destroy`.
    if (!isNew) undo.push('the interface of the ethlink', () => withEthlink(client, id, (each) => each.disconnect()))
  }
  await using plug = await client.openPort(port, { write: true })
  if (await connectPort(plug, id)) {
    changes++
    if (!isNew) undo.push('the connection', () => withPort(client, port, (each) => each.disconnect(id)))
  }
  // An existing one is not committed: its creator decides how long it lives.
  if (isNew) {
    await ethlink.commit()
    undo.push('the ethlink', () => withEthlink(client, id, (each) => each.destroy()))
  }
  return changes
}

async function openEthlink(client: Vpc, id: Id, l2Name: string | undefined): Promise<{ descriptor: Ethlink; isNew: boolean }> {
  if (l2Name !== undefined) return openOrCreate((options) => client.openEthlink(id, options))
  return { descriptor: await client.openEthlink(id, { write: true }), isNew: false }
}

async function withEthlink(client: Vpc, id: Id, act: (ethlink: Ethlink) => Promise<void>): Promise<void> {
  await using ethlink = await client.openEthlink(id, { write: true })
  await act(ethlink)
}

async function makeUplink(object: Switch, port: Id): Promise<number> {
  const info = await object.describe()
  if (info.uplink === port) return 0
  if (info.uplink !== null) {
    const differences = [{ setting: 'uplink', asked: port, is: info.uplink }]
    throw new Failure('conflict', `${unitText(info)} has another uplink; remove that port first`, { code: 'EEXIST', differences })
  }
  await object.setUplink(port)
  return 1
}
