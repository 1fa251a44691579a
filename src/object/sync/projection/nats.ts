/** Tables `nats`, `public_addresses` and `floats`: what NATs say. */
import { cStruct, u32 } from '#abi/c-struct.ts'
import { noDst } from '#datapath/layout.ts'
import {
  float as floatLayout,
  nat as natLayout,
  publicAddress,
  publicKind,
  type Float,
  type Nat as NatRow,
  type PublicAddress,
} from '#datapath/nat-layout.ts'
import { toMapped, type Ip } from '#wire/ip-address.ts'
import { isMapped } from '#wire/ipv6-address.ts'
import type { Mac } from '#wire/mac.ts'
import { addressField, addressKey } from '../../store/keys.ts'
import type { Dirty } from '../../store/dirty.ts'
import type { Model, Nat } from '../../store/model.ts'
import { ethlinkOfNat, everybodies, vpcOfNat, wireOf } from '../../store/touch-nat.ts'
import { interfaceMtuBytes } from '../../type/mtu.ts'
import { gatewayOf } from './destination.ts'
import { hostPlace } from './hosts.ts'
import type { Projection } from './projection.ts'

const none = new Uint8Array(16)
const noMac = new Uint8Array(6) as Mac
const addressOf = (address: Ip | null | undefined): Uint8Array => (address ? toMapped(address) : none)

export const nats: Projection<number, NatRow> = {
  *keys(model) {
    for (const { source } of model.ofType('vpcnat')) yield source
  },
  keyField: u32,
  valueField: natLayout,
  values: (model) => (source) => {
    const nat = model.sources.get(source)
    if (nat?.type !== 'vpcnat') return undefined
    const ethlink = ethlinkOfNat(model, nat)
    const { prefix4, prefix6, gateway4, gateway6 } = nat
    return {
      vpc: vpcOfNat(model, nat),
      wire: ethlink?.ifindex ?? 0,
      mtu: ethlink === undefined ? 0 : interfaceMtuBytes(model, ethlink),
      mac: ethlink?.interfaceMac ?? noMac,
      length4: prefix4?.length ?? 0,
      length6: prefix6?.length ?? 0,
      prefix4: addressOf(prefix4?.address),
      prefix6: addressOf(prefix6?.address),
      gateway4: addressOf(gateway4),
      gateway6: addressOf(gateway6),
      host: gatewayOf(model, nat) ?? noDst,
    }
  },
}

/** The NATs that an operation touched; the way to a gateway host follows from the muxes. */
export function* natKeys(model: Model, { nats: touched, muxes }: Dirty): Generator<number> {
  yield* touched
  if (muxes.size === 0) return
  for (const { via, source } of model.ofType('vpcnat')) if (via !== null && !touched.has(source)) yield source
}

/** struct vpc_public_key, its address as a key. */
export const publicPlace = cStruct({ wire: u32, address: addressField })

export interface PublicPlace {
  readonly wire: number
  readonly address: string
}

/** A value for each floating address of each NAT, by its key. */
function byFloat<T>(model: Model, entry: (nat: Nat, address: Ip, inside: Ip) => readonly [string, T]): Map<string, T> {
  const all = [...model.ofType('vpcnat')].flatMap((nat) => nat.floats.map(({ address, inside }) => entry(nat, address, inside)))
  return new Map(all)
}

export const publicAddresses: Projection<PublicPlace, PublicAddress> = {
  *keys(model) {
    for (const nat of model.ofType('vpcnat')) {
      const wire = wireOf(model, nat)
      if (wire === 0) continue
      for (const { address } of nat.floats) yield { wire, address: addressKey(toMapped(address)) }
      for (const address of nat.shared) yield { wire, address: addressKey(address) }
    }
  },
  keyField: publicPlace,
  valueField: publicAddress,
  values(model) {
    const known = byFloat<PublicAddress>(model, (nat, address, inside) => [
      `${wireOf(model, nat)} ${addressKey(toMapped(address))}`,
      { kind: publicKind.float, nat: nat.source, vpc: vpcOfNat(model, nat), inside: toMapped(inside) },
    ])
    for (const nat of model.ofType('vpcnat'))
      for (const address of nat.shared)
        known.set(`${wireOf(model, nat)} ${addressKey(address)}`, {
          kind: publicKind.blocks,
          nat: nat.source,
          vpc: vpcOfNat(model, nat),
          inside: none,
        })
    return ({ wire, address }) => (wire === 0 ? undefined : known.get(`${wire} ${address}`))
  },
}

export interface FloatPlace {
  readonly vpc: number
  readonly address: string
}

/** Who may share the addresses of a NAT: everybody with an address of a family of which it has one. */
const sharersOf = ({ shared }: Nat): readonly Uint8Array[] =>
  everybodies.filter((everybody) => shared.some((address) => isMapped(address) === isMapped(everybody)))

export const floats: Projection<FloatPlace, Float> = {
  *keys(model) {
    for (const nat of model.ofType('vpcnat')) {
      const vpc = vpcOfNat(model, nat)
      if (vpc === 0) continue
      for (const { inside } of nat.floats) yield { vpc, address: addressKey(toMapped(inside)) }
      for (const everybody of sharersOf(nat)) yield { vpc, address: addressKey(everybody) }
    }
  },
  keyField: hostPlace,
  valueField: floatLayout,
  values(model) {
    const known = byFloat<Float>(model, (nat, address, inside) => [
      `${vpcOfNat(model, nat)} ${addressKey(toMapped(inside))}`,
      { nat: nat.source, addr: toMapped(address) },
    ])
    for (const nat of model.ofType('vpcnat'))
      for (const everybody of sharersOf(nat)) known.set(`${vpcOfNat(model, nat)} ${addressKey(everybody)}`, { nat: nat.source, addr: none })
    return ({ vpc, address }) => (vpc === 0 ? undefined : known.get(`${vpc} ${address}`))
  },
}
