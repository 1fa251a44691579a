/** The frames that answer ARP and ND questions. */
import type { MissEvent } from '#abi/info.ts'
import { arpReply } from '#wire/frames.ts'
import { isIpv4, isIpv6, parseIp } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import { neighbourAdvertisement } from '#wire/nd-frames.ts'

/**
 * The answer of the owner of `mac`. Undefined where there is nobody to answer: a guest that probes for duplicates has
 * no address yet, and the table answers its next question.
 */
export function answerFrame({ mac: asker, address, target }: MissEvent, mac: string): Uint8Array | undefined {
  if (address === null || target === null) return undefined
  const [from, to, owner, whom] = [parseIp(target), parseIp(address), parseMac(mac), parseMac(asker)]
  if (!from.ok || !to.ok || !owner.ok || !whom.ok) return undefined
  if (isIpv4(from.value) && isIpv4(to.value)) return arpReply({ sha: owner.value, spa: from.value, tha: whom.value, tpa: to.value })
  if (!isIpv6(from.value) || !isIpv6(to.value)) return undefined
  return neighbourAdvertisement({ srcMac: owner.value, src: from.value, dst: to.value, dstMac: whom.value })
}
