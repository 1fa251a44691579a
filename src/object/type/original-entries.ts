/** Forwarding entries between the original's layout and ours. */
import type { OriginalEntry } from '#abi/entry-layout.ts'
import { decodeArray, fte } from '#abi/layouts.ts'
import { asIpv4 } from '#wire/ipv4-address.ts'
import { asMac } from '#wire/mac.ts'

/** One entry in our layout. */
export function toFte({ vni, mac, vtep }: OriginalEntry): Uint8Array {
  const address = new Uint8Array(16)
  address.set(vtep.address)
  return fte.encode({ vni, mac, port: vtep.port, family: 4, pad: new Uint8Array(3), address })
}

/** Entries of our layout in the original's. Its layout has no IPv6 VTEPs: those are left out. */
export function originalEntries(encoded: Uint8Array): OriginalEntry[] {
  const entries = decodeArray(fte, encoded) ?? []
  return entries
    .filter(({ family }) => family === 4)
    .map(({ vni, mac, port, address }) => ({ vni, mac: asMac(mac), vtep: { address: asIpv4(address.slice(0, 4)), port } }))
}
