/** The maps of source NAT follow the NATs: one for each that has shared addresses on a wire of this host. */
import { keptBlock } from '#abi/kept-block.ts'
import type { KeptCells, NatCells } from '#datapath/nat-cells.ts'
import { formatIp, fromMapped, ipFrom, toMapped } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import type { Dirty } from '../store/dirty.ts'
import type { Model } from '../store/model.ts'
import { vpcOfNat } from '../store/touch-nat.ts'
import type { Work } from './work.ts'

/** The addresses that the map of a NAT is for. While its interface is away, ports stay with their owners. */
function wantedOf(model: Model, source: number): readonly Uint8Array[] {
  const nat = model.sources.get(source)
  return nat?.type === 'vpcnat' && nat.ethlink !== null ? nat.shared : []
}

/** Blocks that its stations had on another host, of addresses that it shares. */
function keptOf(model: Model, source: number): KeptCells[] {
  const nat = model.sources.get(source)
  if (nat?.type !== 'vpcnat') return []
  const shared = nat.shared.map((each) => formatIp(fromMapped(each)))
  return nat.kept.flatMap((line) => {
    const { inside, address, block } = keptBlock(line)
    const place = shared.indexOf(address)
    return place < 0 ? [] : [{ vpc: vpcOfNat(model, nat), inside: toMapped(ipFrom(inside)), address: place, block }]
  })
}

/** What an operation has to do: a NAT that shares no address any more keeps its map until nothing leads to it. */
export function planNatCells(model: Model, cells: NatCells, { nats }: Dirty): Work {
  const wanted = [...nats].map((source) => ({ source, addresses: wantedOf(model, source) }))
  const set = (when: (count: number) => boolean): void => {
    for (const { source, addresses } of wanted) if (when(addresses.length)) cells.set(source, addresses, keptOf(model, source))
  }
  return { write: () => set((count) => count > 0), remove: () => set((count) => count === 0) }
}

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
