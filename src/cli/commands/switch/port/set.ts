/** `vpc switch port set`. */
import { command } from '../../../command.ts'
import { portId } from '../../../id-options.ts'
import { changeSettings } from '../../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../../setting-options.ts'

const portOptions = settingOptions('vpcp')

export default command({
  path: 'switch port set',
  summary: 'change settings of a port',
  description: `Sets all of the given settings, or none.

    The interface of a port without addresses may send from each IP address that the neighbour table gives to nobody
    else. With addresses, packets, ARP and ND messages from other addresses are dropped, and this host answers
    questions for them: the neighbour table has them by itself. The given addresses replace the old ones.

    An address that several ports list, on this host or on others, follows its announcement (gratuitous ARP, unsolicited
    neighbour advertisement), whatever the neighbour table says. That is how keepalived moves a virtual IP.

    IPv6 link-local addresses need not be listed. The guest may use the one of its MAC address, and up to four of its
    own choice at a time (RFC 7217), if no other guest has them. Put the link-local address of a router into the
    neighbour table: on other hosts nothing else protects it.

    Frames come from the interface's own MAC address, and from the MAC addresses given with --mac. Use it for stations
    behind the interface: nested containers, a bridge in the guest, or the virtual MAC of VRRP. Frames to these
    addresses go to the interface. The given addresses replace the old ones. In a VNI, one port has a MAC address. On
    other hosts, 'vpc mux fte set' says where it is, as for every MAC.

    IPv4, IPv6 and ARP pass. Frames of other EtherTypes need --any-ethertype=on, and VRRP, as keepalived speaks it,
    needs --vrrp=on. IGMP and MLD queries, router advertisements, messages of DHCP servers, and IP packets for one
    station in an Ethernet broadcast are dropped. So are packets with a source route (IPv4 options LSRR and SSRR, IPv6
    routing header type 0), from every port.

    With --antispoof=off the senders of frames are not checked, and all of these pass except source routes and other
    EtherTypes.

    A held port keeps its interface, but frames neither come from it nor go to it. Use it to prepare a machine that
    still runs on another host. A forwarding entry for its MAC address stays in force until --held=off.

    A port whose guest is leaving (--leaving=on) takes frames from its interface and brings it none: they take the
    forwarding entry of its MAC address to the host where the machine will run.`,
  options: {
    portId,
    ...portOptions,
  },
  examples: [
    { line: 'vpc switch port set web --vni=5001', does: 'put it into another subnet' },
    {
      line: 'vpc switch port set web --address=10.0.0.1 --address=fd00::1',
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
