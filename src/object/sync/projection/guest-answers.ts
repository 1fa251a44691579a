/** What gateways say, as bytes: the parts of DHCP, DHCPv6 and router advertisements that do not depend on who asks. */
import type { Settings } from '#abi/settings.ts'
import { dhcpTail, dhcpv6Options, raLength } from '#datapath/layout.ts'
import { encodeDomainName } from '#wire/domain-name.ts'
import { dhcpOption, encodeDhcpOptions, magicCookie } from '#wire/dhcp.ts'
import { isIpv4, isIpv6, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import type { Mac } from '#wire/mac.ts'
import { encodeNdOptions, ndOption, prefixInformation, routerAdvert, type NdOption } from '#wire/nd.ts'
import { icmpv6Type } from '#wire/icmp.ts'
import { maskOf, type Prefix } from '#wire/prefix.ts'
import { concat } from '#wire/struct.ts'

/** Of a subnet. */
type Said = Settings<'subnet'>

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255)
const u32 = (value: number): Uint8Array => concat(u16(value >>> 16), u16(value & 0xffff))

/** Fill up with zeros. Throws for what is longer: limits of settings keep it from that. */
function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length > length) throw new RangeError(`an answer of ${bytes.length} bytes has no room in ${length}`)
  return concat(bytes, new Uint8Array(length - bytes.length))
}

const only = <T extends Ip>(list: readonly Ip[] | null, is: (ip: Ip) => ip is T): T[] => (list ?? []).filter(is)
const ofIpv4 = (ip: Ip): ip is Ipv4 => isIpv4(ip)
const ofIpv6 = (ip: Ip): ip is Ipv6 => isIpv6(ip)

/** A network and the address that leads there, RFC 3442: of the network only the bytes that its length needs. */
const classless = ({ address, length }: Prefix, via: Ip): Uint8Array =>
  concat(Uint8Array.of(length), address.subarray(0, Math.ceil(length / 8)), via)

const everything: Prefix = { address: new Uint8Array(4) as Ip, length: 0 }

/** DHCP's cookie and options, the type of the message 0. `routed`: the gateway leads further than the subnet. */
export function dhcpAnswer(subnet: Said, { prefix, gateway }: { prefix: Prefix; gateway: Ip }, mtu: number, routed: boolean): Uint8Array {
  const { leaseTime, domain, guestRoutes } = subnet
  const [dns, ntp] = [only(subnet.dns, ofIpv4), only(subnet.ntp, ofIpv4)]
  const broadcast = prefix.address.map((byte, i) => byte | (~maskOf(prefix)[i]! & 255))
  const routes = (guestRoutes ?? []).map(({ prefix: to, via }) => classless(to, via))
  const options: [number, Uint8Array][] = [
    [dhcpOption.messageType, Uint8Array.of(0)],
    [dhcpOption.serverId, gateway],
    [dhcpOption.leaseTime, u32(leaseTime)],
    [dhcpOption.renewalTime, u32(Math.floor(leaseTime / 2))],
    [dhcpOption.rebindingTime, u32(Math.floor((leaseTime / 8) * 7))],
    [dhcpOption.subnetMask, maskOf(prefix)],
    [dhcpOption.broadcast, broadcast],
    [dhcpOption.mtu, u16(mtu)],
  ]
  if (routed) options.push([dhcpOption.router, gateway])
  if (dns.length > 0) options.push([dhcpOption.dns, concat(...dns)])
  if (domain !== null) options.push([dhcpOption.domainName, Buffer.from(domain, 'ascii')])
  if (ntp.length > 0) options.push([dhcpOption.ntp, concat(...ntp)])
  // Who gets these looks at no other routes, RFC 3442.
  if (routes.length > 0) options.push([dhcpOption.classlessRoutes, concat(...routes, ...(routed ? [classless(everything, gateway)] : []))])
  return padded(concat(u32(magicCookie), encodeDhcpOptions(new Map(options))), dhcpTail)
}

const dhcpv6Option = (code: number, ...data: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...data)
  return concat(u16(code), u16(body.length), body)
}

/** DHCPv6's options: DNS servers and domain (RFC 3646), NTP servers (RFC 5908). */
export function dhcpv6Answer({ dns, domain, ntp }: Said): { readonly length: number; readonly options: Uint8Array } {
  const [servers, times] = [only(dns, ofIpv6), only(ntp, ofIpv6)]
  const options = concat(
    ...(servers.length > 0 ? [dhcpv6Option(23, ...servers)] : []),
    ...(domain === null ? [] : [dhcpv6Option(24, encodeDomainName(domain))]),
    ...(times.length > 0 ? [dhcpv6Option(56, ...times.map((address) => dhcpv6Option(1, address)))] : []),
  )
  return { length: options.length, options: padded(options, dhcpv6Options) }
}

/** Flags of RFC 4861, sections 4.2 and 4.6.2. */
const flag = { managed: 0x80, other: 0x40, onLink: 0x80, autonomous: 0x40 } as const
const forDays = 30 * 86_400

/** A router advertisement without its checksum. The gateway is nobody's default router when it leads nowhere. */
export function routerAnswer(
  subnet: Said,
  prefix: Prefix,
  mac: Mac,
  routed: boolean,
): { readonly length: number; readonly message: Uint8Array } {
  const { dns, domain, maxPacket, onLink, autonomous, managed, otherConfig } = subnet
  const servers = only(dns, ofIpv6)
  const lifetime = u32(3600)
  const options: NdOption[] = [
    { type: ndOption.sourceLinkLayer, data: mac },
    {
      type: ndOption.prefix,
      data: prefixInformation.encode({
        prefixLength: prefix.length,
        flags: (onLink ? flag.onLink : 0) | (autonomous ? flag.autonomous : 0),
        validSeconds: forDays,
        preferredSeconds: forDays / 4,
        reserved: 0,
        prefix: prefix.address as Ipv6,
      }),
    },
  ]
  if (maxPacket > 0) options.push({ type: ndOption.mtu, data: concat(u16(0), u32(maxPacket)) })
  if (servers.length > 0) options.push({ type: ndOption.rdnss, data: concat(u16(0), lifetime, ...servers) })
  if (domain !== null) options.push({ type: ndOption.dnssl, data: concat(u16(0), lifetime, encodeDomainName(domain)) })
  const head = routerAdvert.encode({
    type: icmpv6Type.routerAdvertisement,
    code: 0,
    checksum: 0,
    hopLimit: 64,
    flags: (managed ? flag.managed : 0) | (otherConfig ? flag.other : 0),
    lifetimeSeconds: routed ? 1800 : 0,
    reachableTimeMs: 0,
    retransTimerMs: 0,
  })
  const message = concat(head, encodeNdOptions(options))
  return { length: message.length, message: padded(message, raLength) }
}
