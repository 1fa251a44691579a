/** `vpc switch port set`. */
import { command } from '../../../command.ts'
import { portId } from '../../../id-options.ts'
import { changeSettings } from '../../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../../setting-options.ts'

const portOptions = settingOptions('vpcp')

export default command({
  path: 'switch port set',
  summary: 'change settings of a port',
  description: `All of the settings that are given are made, or none.

    A port without addresses lets its interface send from each IP address that the neighbour table gives to nobody else. With addresses,
    packets, ARP and ND messages from other addresses are dropped. The addresses that are given replace those that were set.

    An address that several ports list, of this host or of others, follows its announcement (gratuitous ARP, unsolicited neighbour
    advertisement): so a virtual IP moves, as keepalived moves it, whatever the neighbour table said before.

    IPv6 link-local addresses need not be listed: the one of the MAC address may be used, and up to four at a time of the guest's own
    choice (RFC 7217), as long as no other guest has them. A router's belongs into the neighbour table: on other hosts nothing else protects it.

    Frames come from the interface's own MAC address alone, and from those that are given with --mac: stations behind it, as nested
    containers, a bridge in the guest, or the virtual MAC of VRRP. Frames to them go to the interface. They replace those that were set. A MAC
    belongs to one port of a VNI; on other hosts 'vpc mux fte set' says where it is, as of each other MAC.

    What passes is IPv4, IPv6 and ARP; frames of other EtherTypes only with --any-ethertype=on. VRRP, as keepalived speaks it, passes with
    --vrrp=on. IGMP and MLD queries, router advertisements, DHCP servers' messages, and IP packets for one station in an Ethernet broadcast are
    dropped. So are packets with a source route (IPv4 options LSRR and SSRR, IPv6 routing header type 0), whoever sends them.

    With antispoof off nothing of a sender is checked: all of this passes but source routes, and other EtherTypes as above.

    A held port keeps its interface, and frames neither come from it nor go to it: a machine is prepared here that still runs on another host.
    A forwarding entry for its MAC address stays in force until the port is let go.`,
  options: {
    portId,
    ...portOptions,
  },
  examples: [
    { line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --vni=5001', does: 'put it into another subnet' },
    {
      line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --address=10.0.0.1 --address=fd00::1',
      does: 'let its interface send from these addresses alone',
    },
  ],
  async run({ portId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('vpcp', values)
    checkAsked(settings, portOptions)
    await using port = await (await vpc()).openPort(id, { write: true })
    await changeSettings(output, port, settings)
  },
})
