/** The places of a subnet, as settings that commands set and undo: its switch and its router. */
import type { SubnetInfo } from '#abi/info.ts'
import type { Subnet } from '#client/subnet.ts'
import { setting, type Setting } from './setting.ts'

/** The given ones; null: take it out. */
export const placesAsked = (switchId: string | undefined, routerId: string | null | undefined): Setting<Subnet, SubnetInfo>[] => [
  ...setting<Subnet, SubnetInfo, string | null>(
    'switch',
    switchId,
    (info) => info.switch,
    (subnet, id) => subnet.setSwitch(id),
  ),
  ...setting<Subnet, SubnetInfo, string | null>(
    'router',
    routerId,
    (info) => info.router,
    async (subnet, id) => {
      if (id !== null && (await subnet.router()) !== null) await subnet.setRouter(null)
      await subnet.setRouter(id)
    },
  ),
]
