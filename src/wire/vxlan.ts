/** The VXLAN header, RFC 7348, section 5. */
import { invalid, type Decoded } from './result.ts'
import { bytes, concat, struct, u8, type Value } from './struct.ts'
import { vni, type Vni } from './vni.ts'

/** Packed, big-endian. Reserved fields are ignored on receipt. */
export const vxlanHeader = struct('VXLAN', { flags: u8, reserved1: bytes(3), vni, reserved2: u8 })
export type Vxlan = Value<typeof vxlanHeader>

/** The I flag: the VNI is valid. */
export const vxlanFlagVni = 0x08

/** What VXLAN over IPv4 or IPv6 adds to an Ethernet frame's layer 3 packet: outer IP, UDP, VXLAN, inner Ethernet. */
export const vxlanOverhead = { 4: 50, 6: 70 } as const

/** Decode; without the I flag there is no VNI, and the packet is refused. The payload is the inner frame. */
export function decodeVxlan(data: Uint8Array): Decoded<Vxlan> {
  const decoded = vxlanHeader.decode(data)
  if (!decoded.ok) return decoded
  if ((decoded.value.flags & vxlanFlagVni) === 0) return invalid('VXLAN', 'flags', decoded.value.flags)
  return decoded
}

/** Put a header before an inner frame. */
export const encodeVxlan = (id: Vni, frame: Uint8Array, flags = vxlanFlagVni): Uint8Array =>
  concat(vxlanHeader.encode({ flags, reserved1: new Uint8Array(3), vni: id, reserved2: 0 }), frame)
