/** The tables of the datapath whose sizes an operator may set: `vpc daemon --table NAME=NUMBER`. */

/** Sizes of tables, by name, instead of those of bpf/lib/maps.h. */
export type Limits = Readonly<Record<string, number>>

interface Size {
  /** That of bpf/lib/maps.h. */
  readonly entries: number
  /** A sensible maximum: the kernel allocates some tables completely. */
  readonly most: number
}

const large = 16_777_216
const size = (entries: number, most = large): Size => ({ entries, most })

export const tableSizes = {
  /** Ports and muxes: the tables with an entry for each of them, such as counters, follow. */
  ports: size(16_384, 262_144),
  port_addresses: size(65_536),
  vteps: size(65_536),
  fdb: size(262_144),
  flood: size(32_768),
  neighbours: size(262_144),
  segments: size(16_384),
  subnets: size(16_384),
  routes: size(65_536),
  hosts: size(262_144),
  public_addresses: size(65_536),
  floats: size(65_536),
  /** Two for each mux. */
  muxes: size(64, 4096),
  tunnel_ends: size(65_536),
  drops: size(65_536),
  queues: size(16_384),
  members: size(262_144),
  cidrs: size(65_536),
  peer_rules: size(65_536),
  port_cuts: size(16_384),
  port_rules: size(262_144),
  rule_numbers: size(262_144),
  young: size(262_144, 4_194_304),
} as const satisfies Record<string, Size>

export type TableName = keyof typeof tableSizes

/** Sizes that are asked for. */
export type TableSizes = Readonly<Partial<Record<TableName, number>>>

/** Tables that have an entry for each port and mux. */
const perSource = [
  'stats',
  'drop_rate',
  'miss_rate',
  'dhcp_rate',
  'too_big_rate',
  'broadcast_buckets',
  'port_limits',
  'limit_buckets',
  'port_policies',
  'pickups',
  'dhcp_replies',
  'nats',
  'dhcpv6_replies',
  'service_ports',
  'service_guests',
] as const

/** Tables with the used entries of others. */
const usedOf = { used_fdb: 'fdb', used_neighbours: 'neighbours' } as const satisfies Record<string, TableName>

/** Tables that have as many entries as another. */
const besides = { ...usedOf, ra_replies: 'segments' } as const satisfies Record<string, TableName>

/** The sizes of the maps. */
export function limitsFor(sizes: TableSizes): Limits {
  const { ports } = sizes
  const used = Object.entries(besides).flatMap(([name, of]) => (sizes[of] === undefined ? [] : [[name, sizes[of]] as const]))
  return { ...sizes, ...Object.fromEntries(used), ...(ports !== undefined && Object.fromEntries(perSource.map((name) => [name, ports]))) }
}

/** Whether a table has only what programs find out again. */
export const startsAnew = (table: string): boolean => Object.hasOwn(usedOf, table)

/** The option of vpcd for a larger table. */
export const optionOf = (table: string): string =>
  `--table ${(perSource as readonly string[]).includes(table) ? 'ports' : table === 'ra_replies' ? 'segments' : table}=NUMBER`
