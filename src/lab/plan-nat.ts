/** The plan of a customer's NAT on one host: on the host of its wire with an ethlink, on others by that host. */
import type { Id } from '#abi/id.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import { formatPrefix, networkOf } from '#wire/prefix.ts'
import { labId } from './lab-id.ts'
import { wireNetwork } from './lab-file-nat.ts'
import type { LabHost, LabNat, Network } from './lab-model.ts'
import type { StationPlan } from './plan-guest.ts'

export interface NatPlan {
  readonly id: Id
  /** `203.0.113.10 to 10.0.0.2`. */
  readonly floats: readonly string[]
  readonly shared: readonly string[]
  /** The host has the wire. */
  readonly wire?: {
    readonly name: string
    readonly ethlinkId: Id
    readonly l2Name: string
    readonly prefix: string
    readonly gateway: string
  }
  /** VTEP of the host that has it. */
  readonly via?: Ip
}

interface Surroundings {
  readonly network: Network
  readonly host: LabHost
  readonly guests: readonly StationPlan[]
}

/** Plan a NAT. It has the same id on every host. */
export function planNat({ link, floats, shared }: LabNat, customer: string, { network, host, guests }: Surroundings): NatPlan {
  const machine = wireNetwork(link)!
  const insideOf = (name: string): Ip => guests.find((guest) => guest.name === name)!.addresses[0]!.address
  const there = network.hosts.find(({ name }) => name === link.host)!
  return {
    id: labId('vpcnat', network.name, customer),
    floats: floats.map(({ guest, address }) => `${formatIp(address)} to ${formatIp(insideOf(guest))}`),
    shared: shared.map(formatIp),
    ...(there.name === host.name
      ? {
          wire: {
            name: link.name,
            ethlinkId: labId('ethlink', network.name, host.name, link.name),
            l2Name: link.device,
            prefix: formatPrefix(networkOf(machine)),
            gateway: formatIp(machine.address),
          },
        }
      : { via: there.address }),
  }
}
