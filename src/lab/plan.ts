/**
 * The plan of a lab: namespaces, devices and objects with their names and ids, from the lab file. Pure: the same file
 * gives the same plan.
 */
import { join } from 'node:path'
import { formatIp } from '#wire/ip-address.ts'
import type { Prefix } from '#wire/prefix.ts'
import type { Lab, LabHost } from './lab-model.ts'
import { planGuests, planWires, type GuestPlan, type WirePlan } from './plan-guest.ts'
import { planHost, type HostObjects } from './plan-host.ts'
import { labDirectory, netnsName } from './names.ts'

/** A host of a lab: its namespace, its daemon's directories, and its objects. */
export interface HostPlan extends HostObjects {
  readonly netns: string
  readonly address: Prefix
  readonly runDir: string
  readonly stateDir: string
  readonly bpffs: string
  readonly log: string
  readonly socket: string
}

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
  return {
    name: lab.name,
    directory: labDirectory(lab.name),
    underlay: { netns: netnsName(lab.name, 'underlay'), mtuBytes: lab.underlay.mtuBytes },
    hosts: lab.hosts.map((host) => ({ ...placeOf(lab, host), ...planHost({ network: { ...lab, links: wires }, host, guests }) })),
    guests,
    wires,
  }
}

function placeOf({ name: lab, underlay }: Lab, { name, address }: LabHost): Omit<HostPlan, keyof HostObjects> {
  const directory = join(labDirectory(lab), name)
  return {
    netns: netnsName(lab, name),
    address: { address, length: underlay.network.length },
    runDir: join(directory, 'run'),
    stateDir: join(directory, 'state'),
    bpffs: join(directory, 'bpf'),
    log: join(directory, 'vpcd.log'),
    socket: join(directory, 'run', 'vpcd.sock'),
  }
}
