/**
 * The network namespace of the services for guests, and the veth that leads there. The program vpc_service runs on the
 * host's end; the host's own stack does not use it. The namespace has the addresses of the services, and one route to
 * all guests. It has no way to anywhere else.
 *
 * Nothing pins the namespace: vpcd holds it open, and so do the services, by their sockets. So it goes with the last of
 * them, and answers for services that have ended in the meantime.
 */
import { errnoName, KernelError } from '#kernel/errno.ts'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { prefixFrom } from '#wire/prefix.ts'
import { toDevice, type Device } from './device.ts'

export const servicesName = 'vpcsvc0'
export const servicesAlias = 'vpc:services'

/** The addresses of the services, in all subnets: VPC_METADATA_IPV4 and the next ones of bpf/abi-guests.h. */
export const serviceAddresses = {
  metadata: [ipFrom('169.254.169.254'), ipFrom('fd00:ec2::254')],
  dns: [ipFrom('169.254.169.253'), ipFrom('fd00:ec2::253')],
} as const

/** By which services know guests: VPC_GUEST_IPV4 and VPC_GUEST_IPV6. */
const guests = [prefixFrom('100.64.0.0/10'), prefixFrom('fd76:7063::/64')] as const
/** Next hops of one neighbour entry each, however many guests there are. Nobody has them: the device does no ARP. */
const nextHops = [ipFrom('169.254.169.1'), ipFrom('fe80::1')] as const
/** Addresses that sockets can be bound to before a family has none: hosts without IPv6 have services for IPv4. */
const familyMissing: readonly string[] = ['EOPNOTSUPP', 'EAFNOSUPPORT', 'EACCES', 'EPERM']

export class ServicesNamespace implements Disposable {
  readonly device: Device
  readonly netns: Netns

  private constructor(device: Device, netns: Netns) {
    this.device = device
    this.netns = netns
  }

  /** Make it. */
  static create(netlink: Netlink): ServicesNamespace {
    const netns = Netns.unnamed()
    try {
      const inside = `${servicesName}-in`
      const made = netlink.createVeth({
        name: servicesName,
        alias: servicesAlias,
        noArp: true,
        addrGenModeNone: true,
        up: true,
        peer: { name: inside, noArp: true, addrGenModeNone: true },
      })
      try {
        netlink.setLink(made.linkIndex!, { netnsFd: netns.fd })
        using there = Netlink.open(netns.fd)
        furnish(there, there.linkByName(inside)!.ifindex)
      } catch (error) {
        netlink.deleteLink(made.ifindex)
        throw error
      }
      return new ServicesNamespace(toDevice(netlink.linkByIndex(made.ifindex)!), netns)
    } catch (error) {
      netns[Symbol.dispose]()
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.netns[Symbol.dispose]()
  }
}

function furnish(netlink: Netlink, ifindex: number): void {
  netlink.setLink(ifindex, { noArp: true, addrGenModeNone: true, up: true })
  for (const [i, guest] of guests.entries()) {
    try {
      for (const list of Object.values(serviceAddresses))
        netlink.addAddress({ ifindex, address: list[i]!, prefixLength: list[i]!.length * 8 })
      route(netlink, ifindex, nextHops[i]!, guest.address, guest.length)
    } catch (error) {
      if (i === 0 || !(error instanceof KernelError) || !familyMissing.includes(errnoName(error.errno))) throw error
    }
  }
}

function route(netlink: Netlink, ifindex: number, gateway: Ip, destination: Ip, prefixLength: number): void {
  const family = gateway.length === 4 ? 4 : 6
  netlink.addRoute({ family, destination: gateway, ifindex })
  netlink.addRoute({ family, destination, prefixLength, gateway, ifindex })
}
