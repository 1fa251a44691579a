/** The frames that answer ARP and ND questions. */
import type { MissEvent } from '#abi/info.ts'
import { arpReply } from '#wire/frames.ts'
import { isIpv4, isIpv6, parseIp } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import { neighbourAdvertisement } from '#wire/nd-frames.ts'

/**
 * What the owner of `mac` would answer. Undefined where there is nobody to answer: who looks whether an address is
 * taken has none yet, and gets to know from the table when it asks again.
 */
export function answerFrame({ mac: asker, address, target }: MissEvent, mac: string): Uint8Array | undefined {
  if (address === null || target === null) return undefined
  const [from, to, owner, whom] = [parseIp(target), parseIp(address), parseMac(mac), parseMac(asker)]
  if (!from.ok || !to.ok || !owner.ok || !whom.ok) return undefined
  if (isIpv4(from.value) && isIpv4(to.value)) return arpReply({ sha: owner.value, spa: from.value, tha: whom.value, tpa: to.value })
  if (!isIpv6(from.value) || !isIpv6(to.value)) return undefined
  return neighbourAdvertisement({ srcMac: owner.value, src: from.value, dst: to.value, dstMac: whom.value })
}
