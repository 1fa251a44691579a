/** The declarations of bpf/abi-nat.h for TypeScript, as layout.ts has those of abi.h. */
import { bytes, cStruct, u32, u8, type Field, type Value } from '#abi/c-struct.ts'
import type { Mac } from '#wire/mac.ts'
import { dst, entryOf, hostKey } from './layout.ts'

/** struct vpc_nat: value of `nats`, by source. Addresses as in vpc_neighbour_key; zero: none. */
export const nat = cStruct({
  vpc: u32,
  wire: u32,
  mtu: u32,
  mac: bytes(6) as unknown as Field<Mac>,
  length4: u8,
  length6: u8,
  prefix4: bytes(16),
  prefix6: bytes(16),
  gateway4: bytes(16),
  gateway6: bytes(16),
  host: dst,
})
export type Nat = Value<typeof nat>
export const natEntry = entryOf(u32, nat)

/** enum vpc_public_kind */
export const publicKind = { none: 0, float: 1, blocks: 2 } as const

/** struct vpc_public_key */
export const publicKey = cStruct({ wire: u32, addr: bytes(16) })
export type PublicKey = Value<typeof publicKey>

/** struct vpc_public: value of `public_addresses`. */
export const publicAddress = cStruct({ kind: u32, nat: u32, vpc: u32, inside: bytes(16) })
export type PublicAddress = Value<typeof publicAddress>
export const publicEntry = entryOf(publicKey, publicAddress)

/** struct vpc_float: value of `floats`. */
export const float = cStruct({ nat: u32, addr: bytes(16) })
export type Float = Value<typeof float>
export const floatEntry = entryOf(hostKey, float)
