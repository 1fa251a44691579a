/** Table `port_addresses`: the addresses that a port may send from. */
import { u32 } from '#abi/c-struct.ts'
import { portAddressKey, type PortAddressKey } from '#datapath/layout.ts'
import { addressKey, addressOfKey } from '../keys.ts'
import type { Model } from '../model.ts'
import type { Projection } from './projection.ts'

export interface PortAddress {
  readonly stats: number
  readonly address: string
}

export const portAddresses: Projection<PortAddress, number, PortAddressKey> = {
  *keys(model: Model) {
    for (const { stats, addresses } of model.ofType('vpcp')) for (const address of addresses) yield { stats, address: addressKey(address) }
  },
  tableKey: ({ stats, address }) => ({ stats, addr: addressOfKey(address) }),
  keyLayout: portAddressKey,
  valueLayout: u32,
  value(model, { stats, address }) {
    const port = model.stats.get(stats)
    return port?.type === 'vpcp' && port.addresses.some(known => addressKey(known) === address) ? 1 : undefined
  },
}
