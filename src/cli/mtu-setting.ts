/** The MTU as a setting: an MTU that follows from the underlay is not set, even if the number is the same. */
import type { HostifInfo, VmnicInfo } from '#abi/info.ts'
import type { Hostif } from '#client/hostif.ts'
import type { Vmnic } from '#client/vmnic.ts'
import type { Setting } from './setting.ts'

type Info = Pick<VmnicInfo | HostifInfo, 'mtuBytes' | 'mtuSet'>

/** `1450, from the underlay`, or `1450` when it was set. */
export const mtuText = ({ mtuBytes, mtuSet }: Info): string => (mtuSet ? String(mtuBytes) : `${mtuBytes}, from the underlay`)

/** The MTU of a vmnic or hostif, if it was asked for. */
export function mtuSetting(mtuBytes: number | undefined): Setting<Vmnic | Hostif, Info>[] {
  if (mtuBytes === undefined) return []
  const make = (object: Vmnic | Hostif): Promise<void> => object.setMtu(mtuBytes)
  // The ABI cannot make it follow again: only the number can be restored.
  return [{ name: 'mtu', asked: String(mtuBytes), is: mtuText, make, takeBack: (object, info) => object.setMtu(info.mtuBytes) }]
}
