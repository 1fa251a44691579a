/** Table `port_addresses`: the addresses that a port may send from. */
import { cStruct, u32, type Value } from '#abi/c-struct.ts'
import { addressField, addressKey } from '../../store/keys.ts'
import type { Model } from '../../store/model.ts'
import type { Projection } from './projection.ts'

/** struct vpc_port_address_key, its address as a key. */
export const portAddress = cStruct({ stats: u32, address: addressField })
export type PortAddress = Value<typeof portAddress>

export const portAddresses: Projection<PortAddress, number> = {
  *keys(model: Model) {
    for (const { source, addresses } of model.ofType('vpcp'))
      for (const address of addresses) yield { stats: source, address: addressKey(address) }
  },
  keyField: portAddress,
  valueField: u32,
  values:
    (model) =>
    ({ stats, address }) => {
      const port = model.sources.get(stats)
      return port?.type === 'vpcp' && port.addresses.some((known) => addressKey(known) === address) ? 1 : undefined
    },
}
