/** Source NAT for scenes: stations without a floating address share public addresses on `wire`. */
import { noDst, routeKind, type Dst } from '#datapath/layout.ts'
import { publicKind } from '#datapath/nat-layout.ts'
import { ipFrom, isIpv4, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Mac } from '#wire/mac.ts'
import type { Scene } from './scene.ts'

/** Stats index of the NAT, and its number. */
export const sharedNat = 8
const none = new Uint8Array(16)

export const shared = { v4: ipFrom('203.0.113.9'), v6: ipFrom('2001:db8:7::9') }

/** Have stations without a floating address share these addresses, on `wire` or behind `host`. */
export function share(scene: Scene, addresses: readonly Ip[] = [shared.v4, shared.v6], host?: Dst): void {
  const { nats, floats, publicAddresses, natCells } = scene.tables
  scene.route()
  for (const prefix of ['0.0.0.0/0', '::/0']) scene.routeTo(prefix, { kind: routeKind.igw })
  const wire = host === undefined ? scene.devices.wire : 0
  const hops = { length4: 0, length6: 0, prefix4: none, prefix6: none, gateway4: none, gateway6: none }
  const mac = scene.netns.netlink.linkByIndex(scene.devices.wire)!.mac as Mac
  nats.set(sharedNat, { vpc: 1, wire, mtu: 1500, mac, ...hops, host: host ?? noDst })
  for (const everybody of ['0.0.0.0', '::']) floats.set({ vpc: 1, addr: toMapped(ipFrom(everybody)) }, { nat: sharedNat, addr: none })
  natCells.set(sharedNat, [])
  natCells.set(
    sharedNat,
    addresses.map((address) => toMapped(address)),
  )
  if (wire === 0) return
  for (const address of addresses)
    publicAddresses.set({ wire, addr: toMapped(address) }, { kind: publicKind.blocks, nat: sharedNat, vpc: 1, inside: none })
}

export const sharedOf = (inside: Ip): Ip => (isIpv4(inside) ? shared.v4 : shared.v6)

/** Programs look at all ports of a guest that has none left once in a tick of the kernel, which is 10 ms at most. */
export function nextTick(): void {
  const until = process.hrtime.bigint() + 20_000_000n
  while (process.hrtime.bigint() < until);
}
