/** Table `subnets`: what a segment's subnet is, and where its gateway. */
import { u32 } from '#abi/c-struct.ts'
import { subnet as subnetLayout, subnetFlag, vpcOfSwitch, type Subnet } from '#datapath/layout.ts'
import { toMapped } from '#wire/ip-address.ts'
import { subnetOf } from '../../store/claims.ts'
import { segmentOf, vniOfSegment } from '../../store/keys.ts'
import type { Subnet as ModelSubnet } from '../../store/model.ts'
import { networksOf, routeTableOf } from '../../store/routing.ts'
import type { Projection } from './projection.ts'

const none = new Uint8Array(16)

const flagsOf = ({ router, metadata, resolver }: ModelSubnet): number =>
  (router === null ? 0 : subnetFlag.routed) | (metadata ? subnetFlag.metadata : 0) | (resolver ? subnetFlag.dns : 0)

export const subnets: Projection<number, Subnet> = {
  *keys(model) {
    for (const sw of model.ofType('vpcsw')) for (const { vni } of sw.subnets) yield segmentOf(sw, vni)
  },
  keyField: u32,
  valueField: subnetLayout,
  values: (model) => (segment) => {
    const sw = model.segments.get(segment)
    const subnet = sw && subnetOf(sw, vniOfSegment(segment))
    if (sw === undefined || subnet === undefined) return undefined
    const gateways = networksOf(subnet).map(({ gateway }) => gateway)
    const gatewayOf = (length: number): Uint8Array => gateways.filter((gateway) => gateway.length === length).map(toMapped)[0] ?? none
    return {
      flags: flagsOf(subnet),
      vpc: vpcOfSwitch(sw.unit),
      routeTable: subnet.router === null ? 0 : routeTableOf(subnet.router, subnet.routeTable),
      mtu: subnet.maxPacket,
      gateway4: gatewayOf(4),
      gateway6: gatewayOf(16),
    }
  },
}
