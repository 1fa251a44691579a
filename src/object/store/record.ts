/** Objects as rows of the journal, and back. References are ids; one to an object that dies with vpcd is left out. */
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import type { JournalRow } from './journal.ts'
import type { Port, Vmnic, VpcObject } from './model.ts'

/** Settings of each type as JSON, as the journal of version 1 has them. */
export interface SwitchSettings {
  readonly mac: string
  readonly vni: number
  readonly up: boolean
  readonly floodUnknown: boolean
}
export interface PortSettings {
  readonly mac: string
  /** False: it is held by its switch alone. */
  readonly committed: boolean
  readonly switch: string | null
  readonly uplink: boolean
  readonly peer: string | null
  readonly vni: number
  readonly vlan: number
  readonly antispoof: boolean
  readonly addresses: readonly string[]
  readonly stats: number
}
export interface VmnicSettings {
  readonly mac: string
  readonly mtuBytes: number | null
  readonly queues: number
  readonly frozen: boolean
  /** Absent in journals of before there were owners. */
  readonly ownerUser?: number | null
  readonly ownerGroup?: number
}
export interface HostifSettings {
  readonly mac: string
  readonly mtuBytes: number | null
}
export interface EthlinkSettings {
  readonly mac: string
  readonly mtuBytes: number | null
  readonly l2Name: string | null
  readonly vtag: number
  readonly promiscBefore: boolean
  /** Absent in journals of before it was kept. */
  readonly deviceMtuBytes?: number
}
export interface MuxSettings {
  readonly mac: string
  readonly mtuBytes: number | null
  readonly underlay: string | null
  readonly listen: string | null
  readonly stats: number
}

/** Whether an object outlives vpcd: it is committed, or a port of a switch that is. */
export const persists = (object: VpcObject): boolean =>
  !object.dead && (object.committed || (object.type === 'vpcp' && object.switch?.committed === true))

/** The row of an object; undefined when the journal must have none. */
export function toRow(object: VpcObject): JournalRow | undefined {
  if (!persists(object)) return undefined
  return { id: object.id, type: object.type, unit: object.unit, settings: JSON.stringify(settingsOf(object)) }
}

const reference = (object: VpcObject | null): string | null => (object !== null && persists(object) ? object.id : null)

function settingsOf(object: VpcObject): object {
  const mac = formatMac(object.mac)
  switch (object.type) {
    case 'vpcsw':
      return { mac, vni: object.vni, up: object.up, floodUnknown: object.floodUnknown } satisfies SwitchSettings
    case 'vpcp':
      return portSettings(object, mac)
    case 'vmnic':
      return vmnicSettings(object, mac)
    case 'hostif':
      return { mac, mtuBytes: object.mtuBytes } satisfies HostifSettings
    case 'ethlink': {
      const { mtuBytes, l2Name, vtag, promiscBefore, deviceMtuBytes } = object
      return { mac, mtuBytes, l2Name, vtag, promiscBefore, deviceMtuBytes } satisfies EthlinkSettings
    }
    case 'vpcmux': {
      const { mtuBytes, underlay, listen, stats } = object
      return { mac, mtuBytes, underlay: reference(underlay), listen: listen && formatEndpoint(listen), stats } satisfies MuxSettings
    }
  }
}

function vmnicSettings({ mtuBytes, queues, frozen, ownerUser, ownerGroup }: Vmnic, mac: string): VmnicSettings {
  return { mac, mtuBytes, queues, frozen, ownerUser, ownerGroup }
}

function portSettings(port: Port, mac: string): PortSettings {
  const { committed, switch: sw, peer, vni, vlan, antispoof, addresses, stats } = port
  const member = reference(sw)
  const uplink = member !== null && sw?.uplink === port
  return { mac, committed, switch: member, uplink, peer: reference(peer), vni, vlan, antispoof, addresses: addresses.map(formatIp), stats }
}
