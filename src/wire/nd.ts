/** Neighbour discovery for IPv6, RFC 4861: solicitations, advertisements and their options. */
import { icmpv6Type } from './icmp.ts'
import { ipv6, type Ipv6 } from './ipv6-address.ts'
import { mac, type Mac } from './mac.ts'
import { invalid, truncated, type Decoded } from './result.ts'
import { concat, struct, u16be, u32be, u8, type Value } from './struct.ts'

const icmpHead = { type: u8, code: u8, checksum: u16be }

/** Neighbour solicitation, section 4.3. */
export const neighbourSolicit = struct('neighbour solicitation', { ...icmpHead, reserved: u32be, target: ipv6 })
/** Neighbour advertisement, section 4.4. */
export const neighbourAdvert = struct('neighbour advertisement', { ...icmpHead, flags: u32be, target: ipv6 })
/** Router solicitation, section 4.1. */
export const routerSolicit = struct('router solicitation', { ...icmpHead, reserved: u32be })
/** Router advertisement, section 4.2. */
export const routerAdvert = struct('router advertisement', {
  ...icmpHead,
  hopLimit: u8,
  flags: u8,
  lifetimeSeconds: u16be,
  reachableTimeMs: u32be,
  retransTimerMs: u32be,
})
export type NeighbourSolicit = Value<typeof neighbourSolicit>
export type NeighbourAdvert = Value<typeof neighbourAdvert>
export type RouterAdvert = Value<typeof routerAdvert>

/** Bits of a neighbour advertisement's flags. */
export const advertFlag = { router: 0x80000000, solicited: 0x40000000, override: 0x20000000 } as const

/** Types of options, section 4.6; RDNSS and DNSSL are RFC 8106. */
export const ndOption = { sourceLinkLayer: 1, targetLinkLayer: 2, prefix: 3, redirected: 4, mtu: 5, rdnss: 25, dnssl: 31 } as const

/** Prefix information, section 4.6.2. */
export const prefixInformation = struct('prefix information', {
  prefixLength: u8,
  /** 0x80: on link; 0x40: for autonomous configuration. */
  flags: u8,
  validSeconds: u32be,
  preferredSeconds: u32be,
  reserved: u32be,
  prefix: ipv6,
})

export interface NdOption {
  readonly type: number
  /** What follows the type and length. */
  readonly data: Uint8Array
}

export type NdMessage =
  | { readonly kind: 'ns'; readonly target: Ipv6; readonly options: readonly NdOption[] }
  | { readonly kind: 'na'; readonly target: Ipv6; readonly flags: number; readonly options: readonly NdOption[] }
  | { readonly kind: 'rs'; readonly options: readonly NdOption[] }
  | { readonly kind: 'ra'; readonly advert: RouterAdvert; readonly options: readonly NdOption[] }

/** Decode options to the end of the bytes. A length of 0 is refused (section 4.6). */
export function decodeNdOptions(bytes: Uint8Array): Decoded<NdOption[]> {
  const options: NdOption[] = []
  for (let rest = bytes; rest.length > 0;) {
    if (rest.length < 2) return truncated('ND option', 8, rest.length)
    const length = rest[1]! * 8
    if (length === 0) return invalid('ND option', 'length', 0)
    if (rest.length < length) return truncated('ND option', length, rest.length)
    options.push({ type: rest[0]!, data: rest.slice(2, length) })
    rest = rest.subarray(length)
  }
  return { ok: true, value: options, payload: new Uint8Array() }
}

/** Encode options back to back; the data is padded with zeros to whole 8 bytes. */
export const encodeNdOptions = (options: readonly NdOption[]): Uint8Array =>
  concat(
    ...options.map(({ type, data }) => {
      const option = new Uint8Array(Math.ceil((data.length + 2) / 8) * 8)
      option[0] = type
      option[1] = option.length / 8
      option.set(data, 2)
      return option
    }),
  )

/** Decode an ICMPv6 message that is one of neighbour discovery's. */
export function decodeNd(bytes: Uint8Array): Decoded<NdMessage> {
  switch (bytes[0]) {
    case icmpv6Type.neighbourSolicitation:
      return withOptions(neighbourSolicit.decode(bytes), ({ target }, options) => ({ kind: 'ns', target, options }))
    case icmpv6Type.neighbourAdvertisement:
      return withOptions(neighbourAdvert.decode(bytes), ({ target, flags }, options) => ({ kind: 'na', target, flags, options }))
    case icmpv6Type.routerSolicitation:
      return withOptions(routerSolicit.decode(bytes), (_, options) => ({ kind: 'rs', options }))
    case icmpv6Type.routerAdvertisement:
      return withOptions(routerAdvert.decode(bytes), (advert, options) => ({ kind: 'ra', advert, options }))
    case undefined:
      return truncated('ND', 8, 0)
    default:
      return invalid('ND', 'type', bytes[0]!)
  }
}

function withOptions<T>(head: Decoded<T>, make: (value: T, options: NdOption[]) => NdMessage): Decoded<NdMessage> {
  if (!head.ok) return head
  const options = decodeNdOptions(head.payload)
  return options.ok ? { ok: true, value: make(head.value, options.value), payload: options.payload } : options
}

/** The MAC in the first source or target link-layer option. */
export function linkLayerOption(options: readonly NdOption[], type: 1 | 2): Mac | undefined {
  const option = options.find((o) => o.type === type)
  const decoded = option && struct('link-layer option', { mac }).decode(option.data)
  return decoded?.ok ? decoded.value.mac : undefined
}

/** The MTU of the first MTU option, section 4.6.4. */
export function mtuOption(options: readonly NdOption[]): number | undefined {
  const option = options.find((o) => o.type === ndOption.mtu)
  const decoded = option && struct('MTU option', { reserved: u16be, mtu: u32be }).decode(option.data)
  return decoded?.ok ? decoded.value.mtu : undefined
}
