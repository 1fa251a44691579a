/**
 * Tables `dhcp_replies`, `dhcpv6_replies` and `ra_replies`: what the gateway of a subnet says to guests that ask. A
 * port gets the first address of its list that is in the subnet's prefix.
 */
import { u32 } from '#abi/c-struct.ts'
import { dhcp, dhcpv6, gatewayMac, ra, type Dhcp, type Dhcpv6, type Ra } from '#datapath/layout.ts'
import { fromMapped, isIpv4, type Ip } from '#wire/ip-address.ts'
import { isMapped } from '#wire/ipv6-address.ts'
import { contains, type Prefix } from '#wire/prefix.ts'
import { subnetOf } from '../../store/claims.ts'
import { vniOfSegment } from '../../store/keys.ts'
import type { Model, Port, Subnet } from '../../store/model.ts'
import { networksOf, type Network } from '../../store/routing.ts'
import { interfaceMtuBytes } from '../../type/mtu.ts'
import { dhcpAnswer, dhcpv6Answer, routerAnswer } from './guest-answers.ts'
import type { Projection } from './projection.ts'
import { told } from './told.ts'

const networkOf = (subnet: Subnet, family: 4 | 6): Network | undefined =>
  networksOf(subnet).find(({ gateway }) => isIpv4(gateway) === (family === 4))

/** The port's address in a prefix. */
const addressIn = ({ addresses }: Port, prefix: Prefix): Ip | undefined =>
  addresses.map((address) => (isMapped(address) ? fromMapped(address) : address)).find((address) => contains(prefix, address))

/** The subnet of a port whose unit asks, when it gives addresses. */
function servingSubnet(port: Port): Subnet | undefined {
  if (port.switch === null || port.peer === null || port.peer.type === 'ethlink') return undefined
  const subnet = subnetOf(port.switch, port.vni)
  return subnet?.dhcp === true ? subnet : undefined
}

function dhcpOf(model: Model, port: Port): Dhcp | undefined {
  const subnet = servingSubnet(port)
  const network = subnet && networkOf(subnet, 4)
  const address = network && addressIn(port, network.prefix)
  if (address === undefined) return undefined
  const mtu = subnet!.maxPacket || interfaceMtuBytes(model, port.peer!)
  return { address, server: network!.gateway, tail: dhcpAnswer(told(subnet!), network!, mtu, subnet!.router !== null) }
}

function dhcpv6Of(port: Port): Dhcpv6 | undefined {
  const subnet = servingSubnet(port)
  const network = subnet && networkOf(subnet, 6)
  if (network === undefined) return undefined
  const address = addressIn(port, network.prefix) ?? new Uint8Array(16)
  return { address, lifetime: subnet!.leaseTime, ...dhcpv6Answer(told(subnet!)) }
}

function raOf(model: Model, segment: number): Ra | undefined {
  const vni = vniOfSegment(segment)
  const sw = model.segments.get(segment)
  const subnet = sw && vni !== 0 ? subnetOf(sw, vni) : undefined
  const network = subnet?.ra === true ? networkOf(subnet, 6) : undefined
  return network && routerAnswer(told(subnet!), network.prefix, gatewayMac, subnet!.router !== null)
}

const byPort = <V>(
  valueField: Projection<number, V>['valueField'],
  valueOf: (model: Model, port: Port) => V | undefined,
): Projection<number, V> => ({
  *keys(model) {
    for (const port of model.ofType('vpcp')) if (servingSubnet(port) !== undefined) yield port.source
  },
  keyField: u32,
  valueField,
  values: (model) => (source) => {
    const port = model.sources.get(source)
    return port?.type === 'vpcp' ? valueOf(model, port) : undefined
  },
})

export const dhcpReplies: Projection<number, Dhcp> = byPort(dhcp, dhcpOf)
export const dhcpv6Replies: Projection<number, Dhcpv6> = byPort(dhcpv6, (_, port) => dhcpv6Of(port))

export const raReplies: Projection<number, Ra> = {
  *keys(model) {
    for (const { switch: sw, vni, ra: answers } of model.ofType('subnet')) if (sw !== null && answers) yield vni
  },
  keyField: u32,
  valueField: ra,
  values: (model) => (segment) => raOf(model, segment),
}
