/** Table `service_ports`: the ports whose guests reach services of the host, and by what services know them. */
import { createHash } from 'node:crypto'
import { u32 } from '#abi/c-struct.ts'
import { servicePort, type ServicePort } from '#datapath/layout.ts'
import { subnetOf } from '../../store/claims.ts'
import type { Port, Subnet } from '../../store/model.ts'
import type { Projection } from './projection.ts'

/** Sources that the address of a guest has room for: VPC_GUEST_PORTS. */
const guestPorts = 16_384

/** The subnet of a port whose guest has services. */
export function servedSubnet({ switch: sw, peer, vni, source }: Port): Subnet | undefined {
  if (sw === null || peer === null || peer.type === 'ethlink' || source >= guestPorts) return undefined
  const subnet = subnetOf(sw, vni)
  return subnet !== undefined && (subnet.metadata || subnet.resolver) ? subnet : undefined
}

/**
 * What tells a port from others that had its source before. It follows from the id, so that it is the same after a
 * start.
 */
export const incarnationOf = ({ id }: Pick<Port, 'id'>): number => createHash('sha256').update(id).digest().readUInt32LE()

export const servicePorts: Projection<number, ServicePort> = {
  *keys(model) {
    for (const port of model.ofType('vpcp')) if (servedSubnet(port) !== undefined) yield port.source
  },
  keyField: u32,
  valueField: servicePort,
  values: (model) => (source) => {
    const port = model.sources.get(source)
    const { ifindex } = model.services
    if (ifindex === 0 || port?.type !== 'vpcp' || servedSubnet(port) === undefined) return undefined
    return { ifindex, incarnation: incarnationOf(port) }
  },
}
