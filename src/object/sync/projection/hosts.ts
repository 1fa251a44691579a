/**
 * Table `hosts`: the stations of the subnets that a router joins, by address: units of this host that list it, and
 * neighbours of the switch. A unit wins, as it does in `fdb`.
 */
import { cStruct, u32 } from '#abi/c-struct.ts'
import { host as hostLayout, vpcOfSwitch, type Host } from '#datapath/layout.ts'
import { fromMapped } from '#wire/ip-address.ts'
import { addressField, addressKey, addressOfKey, macOfNumber, segmentOf } from '../../store/keys.ts'
import type { Port, Switch } from '../../store/model.ts'
import { addressesIn, routerOf, subnetWith } from '../../store/routing.ts'
import type { Projection } from './projection.ts'

/** struct vpc_host_key, its address as a key. */
export const hostPlace = cStruct({ vpc: u32, address: addressField })

export interface HostPlace {
  readonly vpc: number
  readonly address: string
}

export const hosts: Projection<HostPlace, Host> = {
  *keys(model) {
    for (const sw of model.ofType('vpcsw')) {
      for (const subnet of sw.subnets) {
        if (subnet.router !== null) for (const address of addressesIn(subnet)) yield { vpc: vpcOfSwitch(sw.unit), address }
      }
    }
  },
  keyField: hostPlace,
  valueField: hostLayout,
  values(model) {
    const units = new Map<Switch, Map<string, Port>>()
    return ({ vpc, address }) => {
      const sw = model.byType.vpcsw.get(vpc - 1)
      const router = sw && routerOf(sw)
      const subnet = router && subnetWith(router, fromMapped(addressOfKey(address)))
      if (!sw || !subnet) return undefined
      let byPlace = units.get(sw)
      if (byPlace === undefined) units.set(sw, (byPlace = unitsOf(sw)))
      const segment = segmentOf(sw, subnet.vni)
      const unit = byPlace.get(`${subnet.vni} ${address}`)?.peer
      if (unit) return { segment, mac: unit.mac }
      const mac = sw.neighbours.vnis.get(subnet.vni)?.get(address)
      return mac === undefined ? undefined : { segment, mac: macOfNumber(mac) }
    }
  },
}

/** Ports with a unit in them, by VNI and address; of two with the same address the first. */
function unitsOf({ ports }: Switch): Map<string, Port> {
  const found = new Map<string, Port>()
  for (const port of [...ports].sort((a, b) => b.unit - a.unit)) {
    if (port.peer === null || port.peer.type === 'ethlink') continue
    for (const address of port.addresses) found.set(`${port.vni} ${addressKey(address)}`, port)
  }
  return found
}
