/** The MTU as a setting: an MTU that follows from the underlay is not set, even if the number is the same. */
import type { HostifInfo, VmnicInfo } from '#abi/info.ts'
import type { Hostif } from '#client/hostif.ts'
import type { Vmnic } from '#client/vmnic.ts'
import type { Setting } from './setting.ts'

type Info = Pick<VmnicInfo | HostifInfo, 'mtuBytes' | 'mtuSet'>

/** `1450, from the underlay`, or `1450` when it was set. */
export const mtuText = ({ mtuBytes, mtuSet }: Info): string => (mtuSet ? String(mtuBytes) : `${mtuBytes}, from the underlay`)

/** The MTU of a vmnic or hostif, if it was asked for; 0: as the underlay allows. */
export function mtuSetting(mtuBytes: number | undefined): Setting<Vmnic | Hostif, Info>[] {
  if (mtuBytes === undefined) return []
  const make = (object: Vmnic | Hostif): Promise<void> => object.setMtu(mtuBytes)
  const takeBack = (object: Vmnic | Hostif, info: Info): Promise<void> => object.setMtu(info.mtuSet ? info.mtuBytes : 0)
  if (mtuBytes === 0) return [{ name: 'mtu', asked: 'auto', is: (info) => (info.mtuSet ? mtuText(info) : 'auto'), make, takeBack }]
  return [{ name: 'mtu', asked: String(mtuBytes), is: mtuText, make, takeBack }]
}
