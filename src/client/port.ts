/** A switch port: plugs one interface into one switch. */
import type { Id } from '#abi/id.ts'
import type { PortInfo } from '#abi/info.ts'
import { Descriptor } from './descriptor.ts'
import { absent, decodeAddresses, decodeId, decodeNumber, decodeVni, encodeAddresses, encodeId, encodeNumber, encodeVni } from './text.ts'

export class Port extends Descriptor<PortInfo> {
  /**
   * Plug an interface in: a vmnic, a hostif or an ethlink. Throws ENOENT when there is none of that id, EISCONN when it is connected
   * to this port already, EBUSY when the port has another or the interface is in another port, EEXIST when the subnet has a
   * unit of the same MAC, EINVAL for an id of something else, EOPNOTSUPP for that of a mux, which needs no port.
   */
  async connect(interfaceId: string): Promise<void> {
    await this.ctl('vpcpConnect', encodeId(interfaceId))
  }

  /** Throws ENOTCONN when that interface is not connected to this port. */
  async disconnect(interfaceId: string): Promise<void> {
    await this.ctl('vpcpDisconnect', encodeId(interfaceId))
  }

  /** The subnet; 0: not encapsulated. */
  async vni(): Promise<number> {
    return decodeVni(await this.ctl('vpcpVniGet'))
  }

  /** Throws EINVAL beyond 24 bits, EADDRINUSE when the VNI belongs to another switch of this host. */
  async setVni(vni: number): Promise<void> {
    await this.ctl('vpcpVniSet', encodeVni(vni))
  }

  /** The VLAN tag that the interface's frames carry; 0: none. */
  async vlan(): Promise<number> {
    return decodeNumber(await this.ctl('vpcpVlanGet'))
  }

  /** Throws EINVAL beyond 4095. */
  async setVlan(vlan: number): Promise<void> {
    await this.ctl('vpcpVlanSet', encodeNumber('a VLAN', vlan, 2))
  }

  /** The interface that is plugged in, or null. */
  async peer(): Promise<Id | null> {
    return decodeId(await absent(this.ctl('vpcpPeerGet')))
  }

  /** The addresses that the interface may send from; none: any. */
  async addresses(): Promise<string[]> {
    return decodeAddresses(await this.ctl('vpcpAddressesGet'))
  }

  /** Replace the addresses, all or none. Throws EINVAL, ENOSPC. */
  async setAddresses(addresses: readonly string[]): Promise<void> {
    await this.ctl('vpcpAddressesSet', encodeAddresses(addresses))
  }

  /** Whether the sources of the interface's frames are checked. Default: yes. */
  async antispoof(): Promise<boolean> {
    return decodeNumber(await this.ctl('vpcpAntispoofGet')) !== 0
  }

  async setAntispoof(check: boolean): Promise<void> {
    await this.ctl('vpcpAntispoofSet', encodeNumber('a flag', check ? 1 : 0, 2))
  }
}
