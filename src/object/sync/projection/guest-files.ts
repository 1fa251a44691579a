/**
 * What the services for guests know (src/datapath/guest-files.ts), as JSON: for metadata, of each guest, by its source;
 * for DNS, the same and the names of each switch. The readers are src/services/instance.ts and src/services/zone.ts.
 */
import { defaultDomain } from '#abi/service-settings.ts'
import { formatIp, fromMapped, isIpv4 } from '#wire/ip-address.ts'
import { isMapped } from '#wire/ipv6-address.ts'
import { formatMac } from '#wire/mac.ts'
import { contains, formatPrefix } from '#wire/prefix.ts'
import { interfaceMtuBytes } from '../../type/mtu.ts'
import { subnetOf } from '../../store/claims.ts'
import type { Model, Port, Subnet, Switch } from '../../store/model.ts'
import { networksOf } from '../../store/routing.ts'
import type { ServiceName } from '#datapath/guest-files.ts'
import { incarnationOf, servedSubnet } from './service-ports.ts'

const domainOf = ({ domain }: Subnet): string => (domain ?? defaultDomain).toLowerCase()
const addressesOf = ({ addresses }: Port): string[] =>
  addresses.map((address) => formatIp(isMapped(address) ? fromMapped(address) : address))

function networkOf(subnet: Subnet, port: Port, family: 4 | 6): Record<string, string> | null {
  const network = networksOf(subnet).find(({ gateway }) => isIpv4(gateway) === (family === 4))
  if (network === undefined) return null
  const own = port.addresses
    .map((address) => (isMapped(address) ? fromMapped(address) : address))
    .find((address) => contains(network.prefix, address))
  return { prefix: formatPrefix(network.prefix), gateway: formatIp(network.gateway), ...(own !== undefined && { address: formatIp(own) }) }
}

function instanceOf(model: Model, port: Port): string | undefined {
  const subnet = servedSubnet(port)
  if (subnet?.metadata !== true || port.peer === null) return undefined
  return JSON.stringify({
    incarnation: incarnationOf(port),
    id: port.id,
    hostname: port.hostname,
    domain: domainOf(subnet),
    mac: formatMac(port.peer.mac),
    mtu: subnet.maxPacket || interfaceMtuBytes(model, port.peer),
    addresses: addressesOf(port),
    ipv4: networkOf(subnet, port, 4),
    ipv6: networkOf(subnet, port, 6),
    routed: subnet.router !== null,
    dhcp: subnet.dhcp,
    sshKeys: port.sshKeys,
    userData: port.userData,
  })
}

function askerOf(port: Port): string | undefined {
  const subnet = servedSubnet(port)
  if (subnet?.resolver !== true) return undefined
  const forward = (subnet.dnsForward ?? []).map(formatIp)
  return JSON.stringify({ incarnation: incarnationOf(port), zone: port.switch!.unit, domain: domainOf(subnet), forward })
}

/** The name of a port's guest in DNS; undefined: it has none. */
export function guestName(port: Port): string | undefined {
  const { switch: sw, hostname, vni } = port
  if (sw === null || hostname === null) return undefined
  const subnet = subnetOf(sw, vni)
  return subnet && fullName(hostname, subnet)
}

const fullName = (name: string, subnet: Subnet): string => (name.includes('.') ? name : `${name}.${domainOf(subnet)}`)

/** Names and addresses of stations elsewhere, as the setting of a subnet has them. */
function* namesElsewhere(subnet: Subnet): Generator<readonly [name: string, address: string]> {
  for (const line of subnet.hosts?.split('\n') ?? []) {
    const [address, ...names] = line.split(' ')
    for (const name of names) yield [fullName(name, subnet), address!]
  }
}

/** The names of a switch: name to addresses, and the domains that it answers for. */
function zoneOf(sw: Switch): string | undefined {
  const served = [...sw.subnets].filter(({ resolver }) => resolver)
  if (served.length === 0) return undefined
  const names = new Map<string, Set<string>>()
  const add = (name: string, address: string): void => {
    const known = names.get(name)
    if (known === undefined) names.set(name, new Set([address]))
    else known.add(address)
  }
  for (const port of [...sw.ports].sort((a, b) => a.unit - b.unit)) {
    const name = guestName(port)
    if (name !== undefined) for (const address of addressesOf(port)) add(name, address)
  }
  for (const subnet of sw.subnets) for (const [name, address] of namesElsewhere(subnet)) add(name, address)
  const domains = [...new Set([...sw.subnets].map(domainOf))].sort()
  const prefixes = [...sw.subnets].flatMap((subnet) => networksOf(subnet).map(({ prefix }) => formatPrefix(prefix)))
  return JSON.stringify({ domains, prefixes, names: Object.fromEntries(Array.from(names, ([name, addresses]) => [name, [...addresses]])) })
}

/** A file that a service must have, or must not. */
export interface GuestFile {
  readonly service: ServiceName
  readonly key: string
  readonly text: string | undefined
}

/** The files of one port. */
export function* filesOfSource(model: Model, source: number): Generator<GuestFile> {
  const port = model.sources.get(source)
  const isPort = port?.type === 'vpcp'
  yield { service: 'metadata', key: String(source), text: isPort ? instanceOf(model, port) : undefined }
  yield { service: 'dns', key: String(source), text: isPort ? askerOf(port) : undefined }
}

/** The file of one switch. */
export function fileOfSwitch(model: Model, unit: number): GuestFile {
  const sw = model.byType.vpcsw.get(unit)
  return { service: 'dns', key: `zone-${unit}`, text: sw && zoneOf(sw) }
}

/** All files that there must be. */
export function* allFiles(model: Model): Generator<GuestFile> {
  for (const { source } of model.ofType('vpcp')) yield* filesOfSource(model, source)
  for (const { unit } of model.ofType('vpcsw')) yield fileOfSwitch(model, unit)
}
