/** A forwarding entry as the original's tool sends it: VNI, VLAN tag, MAC and a BSD sockaddr_in, 28 bytes. */
import type { Endpoint } from '#wire/endpoint.ts'
import { asIpv4, type Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, type Mac } from '#wire/mac.ts'
import { bytes, cStruct, u16, u8 } from './c-struct.ts'
import type { Codec, Decoded } from './codec.ts'
import { decodeSockaddr } from './layouts.ts'

/** One entry. A mux forwards no VLANs of its own, so the tag is 0. */
export interface OriginalEntry {
  readonly vni: number
  readonly mac: Mac
  /** Port 0: the mux's own. */
  readonly vtep: Endpoint & { readonly address: Ipv4 }
}

/** The VNI is three bytes in network order and a zero. */
const layout = cStruct({ vni: bytes(3), zero: u8, vlan: u16, mac: bytes(6), vtep: bytes(16) })

/** The first two bytes are length 16 and family 2; the port and the address follow in network order. */
function encodeVtep({ address, port }: OriginalEntry['vtep']): Uint8Array {
  return Uint8Array.of(16, 2, port >> 8, port & 0xff, ...address, ...new Uint8Array(8))
}

const refused = (why: string, remedy?: string): { readonly ok: false; readonly why: string; readonly remedy?: string | undefined } => ({
  ok: false,
  why,
  remedy,
})

export const entry: Codec<OriginalEntry> = {
  shape: 'VNI (3 bytes big-endian, a zero), VLAN tag u16, MAC 6, BSD sockaddr_in 16',
  encode: ({ vni, mac, vtep }) =>
    layout.encode({ vni: Uint8Array.of(vni >> 16, vni >> 8, vni), zero: 0, vlan: 0, mac, vtep: encodeVtep(vtep) }),
  decode(input): Decoded<OriginalEntry> {
    if (input.length !== layout.size) return refused(`a forwarding entry has ${layout.size} bytes, not ${input.length}`)
    const { vni, zero, vlan, mac, vtep } = layout.decode(input)
    if (zero !== 0) return refused('byte 3 of the VNI is not zero', 'a VNI is three bytes in network order, then a zero')
    if (vlan !== 0) return refused(`the VLAN tag is ${vlan}`, 'a mux forwards by VNI and MAC alone; leave the tag 0')
    // Port 0 means the mux's own here, so this reads it before the sockaddr turns it into 4789.
    const port = (vtep[2]! << 8) | vtep[3]!
    const found = decodeSockaddr(vtep)
    if (found === undefined || found.address.length !== 4) return refused('the VTEP is not a sockaddr_in in BSD or Linux layout')
    const number = (vni[0]! << 16) | (vni[1]! << 8) | vni[2]!
    return {
      ok: true,
      value: { vni: number, mac: asMac(mac.slice()), vtep: { address: asIpv4(found.address), port: port === 0 ? 0 : found.port } },
    }
  },
}

/** A u32 count, then the entries. */
export const entryList: Codec<readonly OriginalEntry[]> = {
  shape: 'count u32, then entries of 28 bytes',
  encode(entries) {
    const count = Buffer.alloc(4)
    count.writeUInt32LE(entries.length)
    return Buffer.concat([count, ...entries.map(entry.encode)])
  },
  decode(input) {
    if (input.length < 4 || (input.length - 4) % layout.size !== 0) return refused(`${input.length} bytes are not a count and entries`)
    const entries: OriginalEntry[] = []
    for (let start = 4; start < input.length; start += layout.size) {
      const read = entry.decode(input.subarray(start, start + layout.size))
      if (!read.ok) return read
      entries.push(read.value)
    }
    return { ok: true, value: entries }
  },
}
