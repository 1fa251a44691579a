/** A subnet: the addresses of a VNI, and their gateway. Its settings come from src/abi/settings.ts. */
import type { Id } from '#abi/id.ts'
import { withSettings } from './setting.ts'
import { absent, checkId } from './text.ts'

const optional = (id: string | null, type: 'vpcsw' | 'vpcrtr'): Id | undefined => (id === null ? undefined : checkId(id, type))

export class Subnet extends withSettings('subnet') {
  /**
   * Put it into a switch, or with null take it out. Without a VNI it gets the switch's. Throws EBUSY when it is in
   * another, EEXIST when its VNI is another subnet, EADDRINUSE when the VNI belongs to another switch or its gateway's
   * address to a station.
   */
  async setSwitch(id: string | null): Promise<void> {
    await this.call('subnetSwitchSet', optional(id, 'vpcsw'))
  }

  async switch(): Promise<Id | null> {
    return absent(this.call('subnetSwitchGet', undefined))
  }

  /**
   * Join it to a router, or with null remove it from its router. Throws EBUSY when another router has it or its switch,
   * EEXIST when its addresses are those of another subnet of the router.
   */
  async setRouter(id: string | null): Promise<void> {
    await this.call('subnetRouterSet', optional(id, 'vpcrtr'))
  }

  async router(): Promise<Id | null> {
    return absent(this.call('subnetRouterGet', undefined))
  }
}
