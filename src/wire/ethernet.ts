/** Ethernet II frames and 802.1Q tags. */
import { mac, type Mac } from './mac.ts'
import type { Decoded } from './result.ts'
import { concat, struct, u16be, type Value } from './struct.ts'

export const ethertype = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const

/** Types below are lengths of IEEE 802.3 frames. */
export const minEthertype = 0x0600

/** Ethernet II, RFC 894. */
export const ethernet = struct('Ethernet', { dst: mac, src: mac, type: u16be })
export type Ethernet = Value<typeof ethernet>

/** What follows the type 0x8100 or 0x88a8: IEEE 802.1Q, clause 9. */
export const vlanTag = struct('VLAN tag', { tci: u16be, type: u16be })

export interface Vlan {
  /** Priority code point, 0 to 7. */
  readonly pcp: number
  /** Drop eligible indicator. */
  readonly dei: boolean
  /** 0 is a priority tag, which names no VLAN. */
  readonly vid: number
}

/** A frame's addresses, its tags from the outermost in, and the type of what follows them. */
export interface EthernetHeader {
  readonly dst: Mac
  readonly src: Mac
  readonly tags: readonly (Vlan & { readonly tpid: number })[]
  readonly type: number
}

/** Tags of one frame that are read; a further one is left as the type. */
const maxTags = 2

/** Decode addresses, up to two tags and the type. An 802.3 length is given as it stands. */
export function decodeEthernet(bytes: Uint8Array): Decoded<EthernetHeader> {
  const header = ethernet.decode(bytes)
  if (!header.ok) return header
  let { payload } = header
  let { type } = header.value
  const tags = []
  while ((type === ethertype.vlan || type === ethertype.qinq) && tags.length < maxTags) {
    const tag = vlanTag.decode(payload)
    if (!tag.ok) return tag
    tags.push({ tpid: type, ...splitTci(tag.value.tci) })
    ;({ payload } = tag)
    ;({ type } = tag.value)
  }
  return { ok: true, value: { dst: header.value.dst, src: header.value.src, tags, type }, payload }
}

const splitTci = (tci: number): Vlan => ({ pcp: tci >> 13, dei: (tci & 0x1000) !== 0, vid: tci & 0xfff })

/** Put the addresses, tags and type before a payload. */
export function encodeEthernet({ dst, src, tags, type }: EthernetHeader, payload: Uint8Array): Uint8Array {
  return concat(dst, src, ...tags.map(encodeTag), u16(type), payload)
}

function encodeTag({ tpid, pcp, dei, vid }: Vlan & { readonly tpid: number }): Uint8Array {
  if (!(vid >= 0 && vid <= 0xfff && pcp >= 0 && pcp <= 7)) throw new RangeError(`VLAN ${vid} with priority ${pcp} does not fit a tag`)
  return concat(u16(tpid), u16((pcp << 13) | (dei ? 0x1000 : 0) | vid))
}

const u16 = (value: number): Uint8Array => struct('type', { value: u16be }).encode({ value })

/** The frame with one more tag behind its addresses, 802.1Q unless `tpid` says otherwise. */
export function pushVlan(frame: Uint8Array, vid: number, { pcp = 0, dei = false, tpid = ethertype.vlan as number } = {}): Uint8Array {
  if (frame.length < ethernet.size) throw new RangeError(`a frame has ${ethernet.size} bytes at least, not ${frame.length}`)
  return concat(frame.subarray(0, 12), encodeTag({ tpid, pcp, dei, vid }), frame.subarray(12))
}

/** The frame without its outermost tag; undefined when it has none. */
export function popVlan(frame: Uint8Array): Uint8Array | undefined {
  const decoded = decodeEthernet(frame)
  if (!decoded.ok || decoded.value.tags.length === 0) return undefined
  return concat(frame.subarray(0, 12), frame.subarray(16))
}
