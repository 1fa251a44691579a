/**
 * The plan of a lab: namespaces, devices and objects with their names and ids, from the lab file. Pure: the same file
 * gives the same plan.
 */
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import type { Lab } from './lab-model.ts'
import { planGuests, planWires, type GuestPlan, type WirePlan } from './plan-guest.ts'
import { planHost, type HostPlan } from './plan-host.ts'
import { labDirectory, netnsName } from './names.ts'

export interface LabPlan {
  readonly name: string
  readonly directory: string
  readonly underlay: { readonly netns: string; readonly mtuBytes: number }
  readonly hosts: readonly HostPlan[]
  readonly guests: readonly GuestPlan[]
  readonly wires: readonly WirePlan[]
}

/** All namespaces of a lab. */
export const netnsNames = (plan: LabPlan): string[] => [
  plan.underlay.netns,
  ...[...plan.hosts, ...plan.guests, ...plan.wires].map(({ netns }) => netns),
]

/** The first address of a guest, by which other guests reach it. */
export const mainAddress = ({ addresses }: GuestPlan): string => formatIp(addresses[0]!.address)

/** Plan a lab. */
export function planLab(lab: Lab): LabPlan {
  const guests = planGuests(lab)
  const wires = planWires(lab)
  const listen = ({ address }: { readonly address: Ip }): string => formatEndpoint({ address, port: lab.underlay.port })
  return {
    name: lab.name,
    directory: labDirectory(lab.name),
    underlay: { netns: netnsName(lab.name, 'underlay'), mtuBytes: lab.underlay.mtuBytes },
    hosts: lab.hosts.map((host) => planHost({ lab, host, guests, wires, listen: listen(host) })),
    guests,
    wires,
  }
}
