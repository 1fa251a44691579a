/** `vpc switch port set`. */
import type { PortInfo } from '#abi/info.ts'
import type { Port } from '#client/port.ts'
import { command } from '../../../command.ts'
import { usageFailure } from '../../../failure.ts'
import { portId } from '../../../id-options.ts'
import { ipOption, vlanOption, vniOption } from '../../../kinds.ts'
import { choice, flag } from '../../../option.ts'
import { changeSettings, setting } from '../../../setting.ts'

export default command({
  path: 'switch port set',
  summary: 'change settings of a port',
  description: `All of the settings that are given are made, or none.

    A port without addresses lets its interface send from any IP address, but from its own MAC address alone. With addresses, packets,
    ARP and ND messages from other addresses are dropped. The addresses that are given replace those that were set. With antispoof off nothing of
    a sender is checked.`,
  options: {
    portId,
    vni: vniOption('VNI of the port; 0: not encapsulated').short('n'),
    vlan: vlanOption('VLAN tag that frames of the interface carry; 0: none'),
    address: ipOption('address that the interface may send from').repeated,
    noAddress: flag('let the interface send from any address'),
    antispoof: choice('check the senders of frames', ['on', 'off']),
  },
  examples: [
    { line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --vni=5001', does: 'put it into another subnet' },
    {
      line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --address=10.0.0.1 --address=fd00::1',
      does: 'let its interface send from these addresses alone',
    },
  ],
  async run({ portId: id, vni, vlan, address, noAddress, antispoof }, { vpc, output }) {
    if (noAddress && address.length > 0) throw usageFailure('--address and --no-address exclude each other')
    const addresses = noAddress || address.length > 0 ? [...new Set(address)].toSorted() : undefined
    const settings = [
      ...setting<Port, PortInfo, number>(
        'vni',
        vni,
        (info) => info.vni,
        (port, value) => port.setVni(value),
      ),
      ...setting<Port, PortInfo, number>(
        'vlan',
        vlan,
        (info) => info.vlan,
        (port, value) => port.setVlan(value),
      ),
      ...setting<Port, PortInfo, readonly string[]>(
        'addresses',
        addresses,
        (info) => info.addresses.toSorted(),
        (port, value) => port.setAddresses(value),
      ),
      ...setting<Port, PortInfo, boolean>(
        'antispoof',
        antispoof === undefined ? undefined : antispoof === 'on',
        (info) => info.antispoof,
        (port, value) => port.setAntispoof(value),
      ),
    ]
    if (settings.length === 0) throw usageFailure('nothing to set; give --vni, --vlan, --address, --no-address or --antispoof')
    await using port = await (await vpc()).openPort(id, { write: true })
    await changeSettings(output, port, settings)
  },
})
