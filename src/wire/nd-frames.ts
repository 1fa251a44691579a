/** Whole frames of IPv6 neighbour discovery, RFC 4861: what `frames.ts` is to the rest. */
import { encodeIcmpv6, icmpv6Type } from './icmp.ts'
import { ipv6Frame } from './frames.ts'
import { allNodes, allRouters, multicastMac, solicitedNode, unspecifiedIpv6, type Ipv6 } from './ipv6-address.ts'
import { ipProtocol } from './ipv4.ts'
import type { Mac } from './mac.ts'
import {
  advertFlag,
  encodeNdOptions,
  ndOption,
  neighbourAdvert,
  neighbourSolicit,
  prefixInformation,
  routerAdvert,
  routerSolicit,
  type NdOption,
} from './nd.ts'
import type { Prefix } from './prefix.ts'
import { concat } from './struct.ts'

interface NdFields {
  readonly srcMac: Mac
  readonly src: Ipv6
  readonly dstMac?: Mac
  readonly dst?: Ipv6
  readonly vlan?: number
  /** 255, or no receiver takes the message. */
  readonly hopLimit?: number
  /** In place of the usual ones. */
  readonly options?: readonly NdOption[]
}

/** A whole message, its head with the checksum to be written; the addresses it goes to when the fields name none. */
function ndFrame(
  fields: NdFields,
  to: { readonly dst: Ipv6; readonly dstMac: Mac },
  head: Uint8Array,
  usual: readonly NdOption[],
): Uint8Array {
  const { src, dst = to.dst, dstMac = to.dstMac, hopLimit = 255, options = usual } = fields
  const body = concat(head.subarray(8), encodeNdOptions(options))
  const rest = new DataView(head.buffer).getUint32(4)
  const message = encodeIcmpv6(src, dst, { type: head[0]!, rest }, body)
  return ipv6Frame({ ...fields, dst, dstMac, hopLimit, nextHeader: ipProtocol.icmpv6 }, message)
}

const head = (type: number): { type: number; code: number; checksum: number } => ({ type, code: 0, checksum: 0 })
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i])

/**
 * Who has `target`? To its solicited-node group, with the sender's MAC as an option; from `::`, it is duplicate address
 * detection and has no option.
 */
export function neighbourSolicitation(fields: NdFields & { readonly target: Ipv6 }): Uint8Array {
  const { target, src, srcMac } = fields
  const dst = fields.dst ?? solicitedNode(target)
  const usual = sameBytes(src, unspecifiedIpv6) ? [] : [{ type: ndOption.sourceLinkLayer, data: srcMac }]
  const message = neighbourSolicit.encode({ ...head(icmpv6Type.neighbourSolicitation), reserved: 0, target })
  return ndFrame(fields, { dst, dstMac: multicastMac(dst) }, message, usual)
}

/**
 * `target` (the source when left out) is at `srcMac`. With `dst` it is a solicited answer, without it an announcement
 * to all.
 */
export function neighbourAdvertisement(fields: NdFields & { readonly target?: Ipv6; readonly flags?: number }): Uint8Array {
  const { src, srcMac, target = src } = fields
  const { flags = (advertFlag.override | (fields.dst ? advertFlag.solicited : 0)) >>> 0 } = fields
  const message = neighbourAdvert.encode({ ...head(icmpv6Type.neighbourAdvertisement), flags, target })
  return ndFrame(fields, { dst: allNodes, dstMac: multicastMac(allNodes) }, message, [{ type: ndOption.targetLinkLayer, data: srcMac }])
}

/** Is there a router? */
export function routerSolicitation(fields: NdFields): Uint8Array {
  const message = routerSolicit.encode({ ...head(icmpv6Type.routerSolicitation), reserved: 0 })
  const usual = sameBytes(fields.src, unspecifiedIpv6) ? [] : [{ type: ndOption.sourceLinkLayer, data: fields.srcMac }]
  return ndFrame(fields, { dst: allRouters, dstMac: multicastMac(allRouters) }, message, usual)
}

export interface RouterAdvertFields extends NdFields {
  /** 0: not a default router. */
  readonly lifetimeSeconds?: number
  readonly mtuBytes?: number
  readonly prefixes?: readonly Prefix[]
}

/** I am a router; these prefixes are on the link. */
export function routerAdvertisement(fields: RouterAdvertFields): Uint8Array {
  const { srcMac, lifetimeSeconds = 1800, mtuBytes, prefixes = [] } = fields
  const options: NdOption[] = [{ type: ndOption.sourceLinkLayer, data: srcMac }]
  if (mtuBytes !== undefined) options.push({ type: ndOption.mtu, data: Uint8Array.of(0, 0, 0, 0, mtuBytes >> 8, mtuBytes & 0xff) })
  for (const { address, length } of prefixes) options.push({ type: ndOption.prefix, data: prefixData(address as Ipv6, length) })
  const timers = { hopLimit: 64, flags: 0, lifetimeSeconds, reachableTimeMs: 0, retransTimerMs: 0 }
  const message = routerAdvert.encode({ ...head(icmpv6Type.routerAdvertisement), ...timers })
  return ndFrame(fields, { dst: allNodes, dstMac: multicastMac(allNodes) }, message, options)
}

const prefixData = (prefix: Ipv6, prefixLength: number): Uint8Array =>
  prefixInformation.encode({ prefixLength, flags: 0xc0, validSeconds: 2592000, preferredSeconds: 604800, reserved: 0, prefix })
