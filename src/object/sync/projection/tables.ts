/**
 * The tables of the datapath with their projections, in the order in which entries are written: a table stands before
 * those whose entries lead to its own. So a packet that finds an entry finds all that follows from it. Entries go in
 * the reverse order.
 */
import { fdb } from './fdb.ts'
import { flood } from './flood.ts'
import { dhcpReplies, dhcpv6Replies, raReplies } from './guest-services.ts'
import { hosts } from './hosts.ts'
import { muxes } from './muxes.ts'
import { floats, nats, publicAddresses } from './nats.ts'
import { neighbours } from './neighbours.ts'
import { portAddresses } from './port-addresses.ts'
import { portLimits } from './port-limits.ts'
import { ports } from './ports.ts'
import { routes } from './routes.ts'
import { segments } from './segments.ts'
import { servicePorts } from './service-ports.ts'
import { subnets } from './subnets.ts'
import { tunnelEnds } from './tunnel-ends.ts'
import { vteps } from './vteps.ts'

/** In the order of writing. The tables of security groups have an order of their own (settle-policies.ts). */
export const projections = {
  muxes,
  vteps,
  tunnelEnds,
  fdb,
  flood,
  segments,
  neighbours,
  hosts,
  nats,
  floats,
  publicAddresses,
  routes,
  subnets,
  raReplies,
  dhcpReplies,
  dhcpv6Replies,
  servicePorts,
  portAddresses,
  portLimits,
  ports,
} as const

/** A table that a projection fills. */
export type ProjectedTable = keyof typeof projections

/** Their names, in the order of writing. */
export const projectedTables = Object.keys(projections) as readonly ProjectedTable[]
