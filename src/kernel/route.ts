/** Routes of a namespace. */
import { familyOf } from './address.ts'
import { KernelError } from './errno.ts'
import { Attributes, attribute, attributeU32, nlm } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { af, rta, rtm, rtmsg } from './rtnetlink.ts'

/** A unicast route with one next hop. */
export interface Route {
  readonly family: 4 | 6
  /** 4 or 16 bytes; absent: the default route. */
  readonly destination?: Uint8Array
  readonly prefixLength: number
  readonly gateway?: Uint8Array
  /** The device that it leaves by. */
  readonly ifindex?: number
  readonly metric?: number
  /** Number of the routing table; 254 is the main one. */
  readonly table: number
}

/** What addRoute takes. Without a destination it is the default route. */
export type NewRoute = Partial<Omit<Route, 'family'>> & { readonly family: 4 | 6 }

export const MAIN_TABLE = 254
const RTPROT_STATIC = 4
const RTN_UNICAST = 1
const SCOPE_UNIVERSE = 0
const SCOPE_LINK = 253
const RTM_F_CLONED = 0x200

const emptyMessage = { family: 0, dstLength: 0, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 }

/** The unicast routes of a table, of both families. */
export function routes(socket: NetlinkSocket, table = MAIN_TABLE): Route[] {
  const parts = [rtmsg.encode(emptyMessage), attributeU32(rta.TABLE, table)]
  return socket
    .dump({ call: 'RTM_GETROUTE', type: rtm.GETROUTE, parts })
    .filter(({ type }) => type === rtm.NEWROUTE)
    .flatMap(({ body }) => decodeRoute(body))
    .filter((route) => route.table === table)
}

function decodeRoute(body: Uint8Array): Route[] {
  const message = rtmsg.decode(body)
  if (message.type !== RTN_UNICAST || message.flags & RTM_F_CLONED) return []
  if (message.family !== af.INET && message.family !== af.INET6) return []
  const attributes = new Attributes(body.subarray(rtmsg.size))
  const destination = attributes.bytes(rta.DST)
  const gateway = attributes.bytes(rta.GATEWAY)
  const ifindex = attributes.u32(rta.OIF)
  const metric = attributes.u32(rta.PRIORITY)
  return [
    {
      family: message.family === af.INET ? 4 : 6,
      prefixLength: message.dstLength,
      table: attributes.u32(rta.TABLE) ?? message.table,
      ...(destination && { destination }),
      ...(gateway && { gateway }),
      ...(ifindex !== undefined && { ifindex }),
      ...(metric !== undefined && { metric }),
    },
  ]
}

/** The default routes of the main table, best metric first. */
export function defaultRoutes(socket: NetlinkSocket): Route[] {
  return routes(socket)
    .filter((route) => route.prefixLength === 0)
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
}

/** Add a route. Throws EEXIST when there is one like it, ENETUNREACH when its gateway cannot be reached. */
export function addRoute(socket: NetlinkSocket, route: NewRoute): void {
  const { destination, gateway, ifindex, metric, table = MAIN_TABLE } = route
  const message = {
    ...emptyMessage,
    family: destination ? familyOf(destination) : route.family === 4 ? af.INET : af.INET6,
    dstLength: route.prefixLength ?? (destination ? destination.length * 8 : 0),
    protocol: RTPROT_STATIC,
    scope: gateway || route.family === 6 ? SCOPE_UNIVERSE : SCOPE_LINK,
    type: RTN_UNICAST,
  }
  const parts = [rtmsg.encode(message), attributeU32(rta.TABLE, table)]
  if (destination) parts.push(attribute(rta.DST, destination))
  if (gateway) parts.push(attribute(rta.GATEWAY, gateway))
  if (ifindex !== undefined) parts.push(attributeU32(rta.OIF, ifindex))
  if (metric !== undefined) parts.push(attributeU32(rta.PRIORITY, metric))
  socket.request({ call: 'RTM_NEWROUTE', type: rtm.NEWROUTE, flags: nlm.CREATE | nlm.EXCL, parts })
}

/** The way that the kernel has for packets to an address. */
export interface Way {
  /** The device that they leave by. */
  readonly ifindex: number
  /** Part of it was learnt, and is forgotten in time: what ICMP said of the path. */
  readonly learnt: boolean
}

const RTAX_EXPIRES_OFFSET = 8

/** The way from an address of the host to another; undefined when there is none. */
export function wayTo(socket: NetlinkSocket, to: Uint8Array, from: Uint8Array): Way | undefined {
  const message = { ...emptyMessage, family: familyOf(to), dstLength: to.length * 8, srcLength: from.length * 8 }
  const parts = [rtmsg.encode(message), attribute(rta.DST, to), attribute(rta.SRC, from)]
  try {
    const [reply] = socket.request({ call: 'RTM_GETROUTE', type: rtm.GETROUTE, parts })
    const attributes = new Attributes(reply!.body.subarray(rtmsg.size))
    const cache = attributes.bytes(rta.CACHEINFO)
    const expires = cache === undefined ? 0 : new DataView(cache.buffer, cache.byteOffset).getInt32(RTAX_EXPIRES_OFFSET, true)
    return { ifindex: attributes.u32(rta.OIF) ?? 0, learnt: expires !== 0 }
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
}
