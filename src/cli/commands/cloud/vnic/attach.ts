/** `vpc cloud vnic attach`. */
import { agentStateDir } from '../../../agent-state-dir.ts'
import { addressing, findOrMake, handOver, plugHere, unitIdOf, untilThere } from '../../../cloud/attach-vnic.ts'
import { clientOf, textOf } from '../../../cloud/resource-actions.ts'
import { common, target, whose, whoseOf } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'
import { usageFailure } from '../../../failure.ts'
import { guestNetns, guestOptions, guestText } from '../../../guest-options.ts'
import { flag, integer, text } from '../../../option.ts'
import { alreadySo, done } from '../../../outcome.ts'
import { thisHost } from '../../../this-host.ts'
import { vmDir } from '../../../vm-dir.ts'
import { allOrNothing } from '../../../undo.ts'
import type { ObjectInfo } from '#abi/info.ts'
import type { Descriptor } from '#client/descriptor.ts'
import { kindOf } from '#resource/kinds.ts'

const kind = kindOf('vnic')

export default command({
  path: 'cloud vnic attach',
  summary: 'give a container of this host the interface of a vnic',
  description: `Plugs the vnic in on this host, waits until the host has made the interface, and hands it over to the container, with the
    addresses of the vnic, the route to the gateway if a router joins the subnet, and the MTU. vpcd does that again when the namespace,
    the host or vpcd was started anew. A vnic that does not exist is made, if you say in which subnet.

    With --vm a virtual machine of this host gets it, which runs or will run: a second interface, mostly. With --vmnic it waits for the interface of a virtual machine, and hands nothing over. Repeating it changes nothing. When a step
    fails, the steps before are undone. Run it as root on the host.`,
  examples: [
    { line: 'vpc vnic attach web1 --netns=web', does: 'eth0 in namespace web' },
    { line: 'vpc vnic attach web1-db --subnet=red/db --vm=web1', does: 'a second interface of virtual machine web1' },
    { line: 'vpc vnic attach web1 --subnet=red/web --pid=4711', does: 'make web1 in subnet web of vpc red; the container of process 4711' },
  ],
  positionals: [target],
  options: {
    ...whose(kind),
    ...guestOptions,
    vm: text('virtual machine of this host that gets it', 'NAME'),
    vmnic: flag('for another hypervisor: wait for its vmnic'),
    group: text('group of a vnic that is made', 'NAME', { names: 'group' }).repeated,
    address: text('address of a vnic that is made', 'ADDRESS').repeated.defaultsTo('the cloud chooses'),
    timeout: integer('seconds to wait for hosts', 'SECONDS', 1, 300).default(30),
    agentStateDir,
    vmDir,
    ...common,
  },
  async run(
    { netns, pid, container, as, vm, vmDir: vms, vmnic, group, address, timeout, agentStateDir: stateDir, ...values },
    { output, vpc },
    [given],
  ) {
    if ((vmnic || vm !== undefined) && (netns ?? pid ?? container) !== undefined)
      throw usageFailure(`--${vmnic ? 'vmnic' : 'vm'} takes no --netns, --pid or --container`)
    const place = vmnic || vm !== undefined ? undefined : guestNetns({ netns, pid, container })
    const unit = vmnic ? 'vmnic' : 'hostif'
    const host = await thisHost(stateDir)
    const client = clientOf(values)
    const { subnet, ...rest } = values as { subnet?: string }
    await allOrNothing(async (undo) => {
      const query = whoseOf(kind, rest)
      const vnic = await findOrMake(client, given!, { subnet, groups: group, addresses: address, query }, undo)
      if (vm !== undefined) {
        const { attachToVm } = await import('../../../vm-vnic.ts')
        const changed = await attachToVm(client, vnic, { vm, host, vmDir: vms, seconds: timeout }, vpc, undo)
        const { addresses } = await addressing(client, vnic)
        const said = `${textOf(vnic)} is in vm ${vm}: ${addresses.join(' ')}`
        return changed ? done(output, said, { vnic, addresses }) : alreadySo(output, said, { vnic, addresses })
      }
      const wasPlugged = await plugHere(client, vnic, { host: host.id, unit }, timeout, undo)
      const id = unitIdOf(vnic, unit)
      const local = await vpc()
      const { subnet: _home, ...addresses } = await addressing(client, vnic)
      const wasHanded =
        place !== undefined && (await handOver(local, id, { netns: place, name: as, ...present(addresses) }, undo)).isChanged
      const info = unit === 'hostif' ? await describing(() => local.openHostif(id)) : await describing(() => local.openVmnic(id))
      const where = vmnic
        ? `${info.unit} of this host, which vpc vmnic exec --vmnic-id=${id} gives to a hypervisor`
        : `${as} in ${guestText({ netns, pid, container })}`
      const said = `${textOf(vnic)} is ${where}: ${addresses.addresses.join(' ')}`
      const value = { vnic, unit: info.unit, id, ...addresses, mtuBytes: info.mtuBytes }
      if (wasPlugged || wasHanded) done(output, said, value)
      else alreadySo(output, said, value)
    })
  },
})

/** What vpcd says of a unit, once it is there. */
async function describing<T>(open: () => Promise<Descriptor<T & ObjectInfo>>): Promise<T> {
  await using object = await untilThere(open)
  return await object.describe()
}

/** As vpcd has a guest: without empty lists. */
const present = (lists: Readonly<Record<string, readonly string[]>>): object =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
