/** `vpc vmnic create`. */
import type { VmnicInfo } from '#abi/info.ts'
import type { Vmnic } from '#client/vmnic.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, newName, vmnicId } from '../../id-options.ts'
import { macOption } from '../../kinds.ts'
import { setting } from '../../setting.ts'

export default command({
  path: 'vmnic create',
  summary: 'create a network interface for a virtual machine',
  description: `It appears on the host as a tap device of its unit name, such as vmnic0, for a hypervisor to open. Its MAC address is the last six bytes of
    the id unless --mac says otherwise. Creating one that exists with the same MAC address changes nothing.`,
  options: {
    vmnicId: fresh(vmnicId, 'vmnic'),
    mac: macOption('MAC address that the guest sees').short('m').defaultsTo('the one in the id'),
  },
  positionals: [newName],
  examples: [
    { line: 'vpc vmnic create web1', does: 'a vmnic with a name' },
    { line: 'vpc vmnic create --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38', does: 'with the MAC address ba:95:cf:f1:db:38' },
  ],
  async run({ vmnicId: id, mac }, context, [name]) {
    await createObject<VmnicInfo, Vmnic>(context, {
      type: 'vmnic',
      id,
      name,
      open: (client, given, options) => client.openVmnic(given, options),
      settings: setting<Vmnic, VmnicInfo, string>(
        'mac',
        mac,
        (info) => info.mac,
        (object, value) => object.setMac(value),
      ),
      change: 'vpc vmnic set --vmnic-id',
    })
  },
})
