/** All tables of the datapath that user space reads or writes, by the names of bpf/lib/maps.h. */
import { u32, type Field } from '#abi/c-struct.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { DropsTable, StatsTable } from './counters.ts'
import { Generation } from './generation.ts'
import * as layout from './layout.ts'
import { NatCells } from './nat-cells.ts'
import * as natLayout from './nat-layout.ts'
import { PolicyTables } from './policy-tables.ts'
import { QueuesTable } from './queue-counters.ts'
import { Table, type TableOptions } from './table.ts'

/** The maps, as `Tables` needs them. */
export type OpenMap = (name: string) => BpfMap

/** The tables that decide a packet's way through the host, and those that it updates. */
export class Tables implements Disposable {
  /** Unit sides and wrapped interfaces, by ifindex. */
  readonly ports: Table<number, layout.Port>
  readonly fdb: Table<layout.FdbKey, layout.Dst>
  readonly flood: Table<layout.FloodKey, layout.Flood>
  readonly neighbours: Table<layout.NeighbourKey, layout.Neighbour>
  /** The value says nothing. */
  readonly portAddresses: Table<layout.PortAddressKey, number>
  /** VTEPs from which packets of a VNI are accepted. The value has no meaning. */
  readonly vteps: Table<layout.VtepKey, number>
  /** Addresses and ports that only muxes may send to. The value has no meaning. */
  readonly tunnelEnds: Table<layout.TunnelEnd, number>
  /** By segment. */
  readonly subnets: Table<number, layout.Subnet>
  /** By prefix. */
  readonly routes: Table<layout.RouteKey, layout.Route>
  /** The stations of subnets that a router joins. */
  readonly hosts: Table<layout.HostKey, layout.Host>
  /** By source. */
  readonly nats: Table<number, natLayout.Nat>
  /** Public addresses on wires of this host. */
  readonly publicAddresses: Table<natLayout.PublicKey, natLayout.PublicAddress>
  /** Public addresses by the stations that they stand for. */
  readonly floats: Table<layout.HostKey, natLayout.Float>
  /** Of source NAT. */
  readonly natCells: NatCells
  /** By segment. */
  readonly segments: Table<number, layout.Segment>
  /** By the ifindex of the mux's device. */
  readonly muxes: Table<number, layout.Mux>
  /** Keys of `fdb` and `neighbours` that programs used; the values have no meaning. Only programs write them. */
  readonly usedFdb: Table<layout.FdbKey, number>
  readonly usedNeighbours: Table<layout.NeighbourKey, number>
  /** Copies of broadcasts that a port may still cause, by source. Programs update them. */
  readonly broadcastBuckets: Table<number, layout.Bucket>
  /** What ports may send and get. */
  readonly portLimits: Table<layout.LimitKey, layout.Limits>
  /** Their current tokens, by source. Programs update them. */
  readonly limitBuckets: Table<number, layout.LimitBuckets>
  /** What gateways say to DHCP and DHCPv6, by source, and to router solicitations, by segment. */
  readonly dhcpReplies: Table<number, layout.Dhcp>
  readonly dhcpv6Replies: Table<number, layout.Dhcpv6>
  readonly raReplies: Table<number, layout.Ra>
  /** Ports whose guests reach services of the host, by source. */
  readonly servicePorts: Table<number, layout.ServicePort>
  readonly stats: StatsTable
  readonly drops: DropsTable
  readonly queues: QueuesTable
  /** Of security groups. */
  readonly policy: PolicyTables
  readonly #maps = new DisposableStack()
  readonly #generation: Generation
  /** What programs have learnt about the direct ways: see bpf/lib/path.h. */
  readonly #ways: readonly BpfMap[]

  /** Open all tables. Each map is closed with them. */
  constructor(openMap: OpenMap) {
    const map = (name: string): BpfMap => this.#maps.use(openMap(name))
    const table = <K, V>(name: string, key: Field<K>, value: Field<V>, options: TableOptions): Table<K, V> =>
      new Table(name, map(name), key, value, options)
    try {
      const generation = (this.#generation = new Generation(map('generation')))
      const remembered = <K, V>(name: string, key: Field<K>, value: Field<V>): Table<K, V> =>
        table(name, key, value, { named: true, written: () => generation.next() })
      this.ports = remembered('ports', u32, layout.port)
      this.fdb = remembered('fdb', layout.fdbKey, layout.dst)
      this.flood = remembered('flood', layout.floodKey, layout.flood)
      this.neighbours = remembered('neighbours', layout.neighbourKey, layout.neighbour)
      this.portAddresses = table('port_addresses', layout.portAddressKey, u32, { written: () => generation.next() })
      this.vteps = table('vteps', layout.vtepKey, u32, { written: () => generation.next() })
      this.tunnelEnds = table('tunnel_ends', layout.tunnelEnd, u32, { written: () => generation.next() })
      this.subnets = remembered('subnets', u32, layout.subnet)
      this.routes = remembered('routes', layout.routeKey, layout.route)
      this.hosts = remembered('hosts', layout.hostKey, layout.host)
      this.nats = remembered('nats', u32, natLayout.nat)
      this.publicAddresses = remembered('public_addresses', natLayout.publicKey, natLayout.publicAddress)
      this.natCells = new NatCells(map('nat_cells'), map('nat_guests'), map('nat_inside'))
      this.floats = remembered('floats', layout.hostKey, natLayout.float)
      this.segments = remembered('segments', u32, layout.segment)
      this.#ways = [map('paths'), map('heard')]
      this.muxes = table('muxes', u32, layout.mux, { named: true, written: () => this.forgetWays() })
      this.usedFdb = table('used_fdb', layout.fdbKey, u32, { written: () => generation.next() })
      this.usedNeighbours = table('used_neighbours', layout.neighbourKey, u32, {})
      this.broadcastBuckets = table('broadcast_buckets', u32, layout.bucket, {})
      this.portLimits = table('port_limits', layout.limitKey, layout.limits, { named: true, written: () => generation.next() })
      this.limitBuckets = table('limit_buckets', u32, layout.limitBuckets, {})
      this.dhcpReplies = remembered('dhcp_replies', u32, layout.dhcp)
      this.dhcpv6Replies = remembered('dhcpv6_replies', u32, layout.dhcpv6)
      this.raReplies = remembered('ra_replies', u32, layout.ra)
      this.servicePorts = remembered('service_ports', u32, layout.servicePort)
      this.stats = new StatsTable(map('stats'))
      this.drops = new DropsTable(map('drops'))
      this.queues = new QueuesTable(map('queues'))
      this.policy = new PolicyTables(map, () => generation.next())
    } catch (error) {
      this.#maps.dispose()
      throw error
    }
  }

  /** Make the programs learn the direct ways anew: the next packets of each VTEP take the long way. */
  forgetWays(): void {
    for (const map of this.#ways) for (const key of map.keys()) map.delete(key)
    this.#generation.next()
  }

  /** Close the descriptors. The tables stay while they are pinned or used. */
  [Symbol.dispose](): void {
    this.#maps.dispose()
  }
}
