/**
 * A scene with a NAT: `a`, `b` and `far` have floating addresses on `wire`, or on another host's. `outside` is a host
 * beyond the wire's router.
 */
import { noDst, routeKind, segmentOfVpc } from '#datapath/layout.ts'
import { publicKind, type Nat } from '#datapath/nat-layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import type { PacketContext } from '#datapath/test-run.ts'
import { isIpv4, ipFrom, toMapped, type Ip } from '#wire/ip-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { blue, red, Scene, stations } from './scene.ts'

const vpc = 1
/** Stats index of the NAT, and its number. */
export const natNumber = 8

/** The router on the wire, from whose MAC packets of `outside` come. */
export const wireRouter = macFrom('02:00:00:00:0f:01')
export const outside = { v4: ipFrom('198.51.100.7'), v6: ipFrom('2001:db8:ffff::7') }

/** The public address of an address inside. */
export const publicOf = (inside: Ip): Ip =>
  isIpv4(inside) ? ipFrom(`203.0.113.${inside[3]}`) : ipFrom(`2001:db8:7::${inside[15]!.toString(16)}`)

export const floating = ['a', 'b', 'far'] as const
const none = new Uint8Array(16)

export class NatScene extends Scene {
  /** MAC of the wire's interface. */
  readonly wireMac: Mac = this.netns.netlink.linkByIndex(this.devices.wire)!.mac as Mac

  /** Lay the NAT: by `wire`, or `elsewhere`: behind the VTEP of `far`. */
  lay(changes: Partial<Nat> = {}, { elsewhere = false } = {}): void {
    const { nats, publicAddresses, floats } = this.tables
    for (const [key] of nats.entries()) nats.delete(key)
    for (const [key] of publicAddresses.entries()) publicAddresses.delete(key)
    for (const [key] of floats.entries()) floats.delete(key)
    this.route()
    for (const prefix of ['0.0.0.0/0', '::/0']) this.routeTo(prefix, { kind: routeKind.igw })
    const wire = elsewhere ? 0 : this.devices.wire
    const hops = { length4: 0, length6: 0, prefix4: none, prefix6: none, gateway4: none, gateway6: none }
    nats.set(natNumber, { vpc, wire, mtu: 1500, mac: this.wireMac, ...hops, host: elsewhere ? this.remote() : noDst, ...changes })
    for (const name of floating)
      for (const inside of [stations[name].v4, stations[name].v6]) {
        floats.set({ vpc, addr: toMapped(inside) }, { nat: natNumber, addr: toMapped(publicOf(inside)) })
        if (wire !== 0) this.float(publicOf(inside), inside)
      }
    for (const segment of [red, blue, (segmentOfVpc | vpc) >>> 0])
      for (const vtep of ['192.0.2.2', '2001:db8::2']) this.takeFrom(ipFrom(vtep), segment)
  }

  /** Have a public address on the wire stand for a station. */
  float(address: Ip, inside: Ip): void {
    this.tables.publicAddresses.set(
      { wire: this.devices.wire, addr: toMapped(address) },
      { kind: publicKind.float, nat: natNumber, vpc, inside: toMapped(inside) },
    )
  }

  /** A frame from the wire, as the program of NAT gets it. */
  onWire(frame: Uint8Array, context: PacketContext = {}): BenchResult {
    return this.run('wire', this.devices.wire, frame, context)
  }
}
