/** The maps of source NAT follow the NATs: one for each that has shared addresses on a wire of this host. */
import type { NatCells } from '#datapath/nat-cells.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import type { Dirty } from '../store/dirty.ts'
import type { Model } from '../store/model.ts'

/** The addresses that the map of a NAT is for. While its interface is away, ports stay with their owners. */
function wantedOf(model: Model, source: number): readonly Uint8Array[] {
  const nat = model.sources.get(source)
  return nat?.type === 'vpcnat' && nat.ethlink !== null ? nat.shared : []
}

/** What an operation has to do. */
export const planNatCells = (model: Model, cells: NatCells, { nats }: Dirty): { remove(): void; write(): void } => ({
  remove() {},
  write() {
    for (const source of nats) cells.set(source, wantedOf(model, source))
  },
})

/** A NAT whose map is for other addresses than it shares, in words. */
export interface WrongCells {
  readonly nat: number
  readonly wanted: readonly Uint8Array[]
  readonly found: readonly Uint8Array[]
}

/** Compare all maps with the NATs. */
export function compareNatCells(model: Model, cells: NatCells): WrongCells[] {
  const all = new Set([...cells.known(), ...[...model.ofType('vpcnat')].map(({ source }) => source)])
  return [...all]
    .map((nat) => ({ nat, wanted: wantedOf(model, nat), found: cells.addressesOf(nat) }))
    .filter(({ wanted, found }) => addressesText(wanted) !== addressesText(found))
}

/** Addresses in words. */
export const addressesText = (addresses: readonly Uint8Array[]): string =>
  addresses.map((address) => formatIp(fromMapped(asIpv6(address.slice())))).join(', ') || 'none'
