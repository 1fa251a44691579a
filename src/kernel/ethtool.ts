/** Offload features of a device: segmentation, checksums and the like, over ethtool's generic netlink family. */
import { Attributes, attributeFlag, attributeNested, attributeString, attributeU32 } from './netlink-message.ts'
import { GenericNetlink } from './generic-netlink.ts'

const FEATURES_GET = 11
const FEATURES_SET = 12
const HEADER = 1
const header = { DEV_INDEX: 1 } as const
const features = { HW: 2, WANTED: 3, ACTIVE: 4 } as const
const bitset = { NOMASK: 1, BITS: 3 } as const
const BIT = 1
const bit = { NAME: 2, VALUE: 3 } as const

/**
 * A feature's state. `fixed`: the device cannot change it. Names are the kernel's, as `ethtool -k` shows most of them.
 */
export interface Feature {
  readonly active: boolean
  readonly fixed: boolean
}

/** All features of a device, by name. */
export function deviceFeatures(ethtool: GenericNetlink, ifindex: number): Map<string, Feature> {
  const [reply] = ethtool.request('FEATURES_GET', FEATURES_GET, [deviceHeader(ifindex)], { changes: false })
  if (!reply) return new Map()
  const active = namesIn(reply.nested(features.ACTIVE))
  const changeable = namesIn(reply.nested(features.HW))
  const known = new Set([...active, ...changeable])
  return new Map([...known].sort().map((name) => [name, { active: active.has(name), fixed: !changeable.has(name) }]))
}

/** Ask for features to be on or off. Some may not follow: fixed ones, and ones that conflict with others. */
export function wantDeviceFeatures(ethtool: GenericNetlink, ifindex: number, wanted: Readonly<Record<string, boolean>>): void {
  const bits = Object.entries(wanted).map(([name, on]) =>
    attributeNested(BIT, attributeString(bit.NAME, name), ...(on ? [attributeFlag(bit.VALUE)] : [])),
  )
  const change = [deviceHeader(ifindex), attributeNested(features.WANTED, attributeNested(bitset.BITS, ...bits))]
  ethtool.request('FEATURES_SET', FEATURES_SET, change, { changes: true })
}

/** Ask for features to be on or off. Gives the names of those that did not follow. */
export function setDeviceFeatures(ethtool: GenericNetlink, ifindex: number, wanted: Readonly<Record<string, boolean>>): string[] {
  wantDeviceFeatures(ethtool, ifindex, wanted)
  const now = deviceFeatures(ethtool, ifindex)
  return Object.keys(wanted).filter((name) => (now.get(name)?.active ?? false) !== wanted[name])
}

/** Open the socket that the functions of this file speak on. */
export const openEthtool = (netnsFd?: number): GenericNetlink => GenericNetlink.open('ethtool', netnsFd)

const deviceHeader = (ifindex: number): Uint8Array => attributeNested(HEADER, attributeU32(header.DEV_INDEX, ifindex))

// A bitset comes with the names of all bits and a value each, or, when it has no mask, with the names of those that are
// set.
function namesIn(set: Attributes): Set<string> {
  const noMask = set.has(bitset.NOMASK)
  const names = set.list(bitset.BITS).flatMap(([, payload]) => {
    const attributes = new Attributes(payload)
    return noMask || attributes.has(bit.VALUE) ? [attributes.string(bit.NAME) ?? ''] : []
  })
  return new Set(names)
}
