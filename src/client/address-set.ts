/** An address set: networks that rules name as one peer. Its settings come from src/abi/settings.ts. */
import { withSettings } from './setting.ts'

export class AddressSet extends withSettings('set') {
  /** Add networks and addresses. Existing ones stay. */
  async addNetworks(networks: readonly string[]): Promise<void> {
    await this.call('setNetworkAdd', networks)
  }

  /** Delete networks and addresses, all or none. Throws ENOENT for one that is not there. */
  async deleteNetworks(networks: readonly string[]): Promise<void> {
    await this.call('setNetworkDelete', networks)
  }
}
