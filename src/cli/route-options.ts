/** The options of the route commands, and the route that they say. */
import { formatRoute, maxRouteTable, routePlace, type Route, type RouteTarget } from '#abi/route.ts'
import type { Id } from '#abi/id.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { formatPrefix, parseNetwork, prefixFrom } from '#wire/prefix.ts'
import { success } from '#wire/result.ts'
import { usageFailure } from './failure.ts'
import { idOf, ipOption } from './kinds.ts'
import { flag, integer, valueOption } from './option.ts'

export const routePrefix = valueOption<string>('destinations of the route', {
  placeholder: 'NETWORK',
  parse: (text) => {
    const read = parseNetwork(text)
    return read.ok ? success(formatPrefix(read.value)) : read
  },
}).short('p').required

export const routeTable = integer('route table that it stands in', 'N', 0, maxRouteTable).short('T')

export const routeTargets = {
  via: ipOption('station of one of the subnets that forwards the packets'),
  peer: idOf('vpcrtr', 'other router, whose subnets the packets are for'),
  blackhole: flag('drop the packets silently'),
  unreachable: flag('drop the packets and tell their sender'),
  igw: flag("out of the cloud, from the sender's own public address (vpc nat)"),
} as const

interface Given {
  readonly prefix: string
  readonly table: number | undefined
  readonly via: string | undefined
  readonly peer: Id | undefined
  readonly blackhole: boolean
  readonly unreachable: boolean
  readonly igw: boolean
}

/** Where the route of a table and prefix stands, as another route has it. */
export const placeOf = ({ prefix, table = 0 }: Pick<Given, 'prefix' | 'table'>): string => routePlace({ prefix: prefixFrom(prefix), table })

/** The text of the route. Throws a usage failure unless it goes to one place. */
export function routeAsked({ prefix, table = 0, via, peer, blackhole, unreachable, igw }: Given): string {
  const targets: RouteTarget[] = [
    ...(via === undefined ? [] : [{ kind: 'instance' as const, address: ipFrom(via) }]),
    ...(peer === undefined ? [] : [{ kind: 'peer' as const, router: peer }]),
    ...(blackhole ? [{ kind: 'blackhole' as const }] : []),
    ...(unreachable ? [{ kind: 'unreachable' as const }] : []),
    ...(igw ? [{ kind: 'igw' as const }] : []),
  ]
  const [target, ...more] = targets
  if (target === undefined || more.length > 0) throw usageFailure('give one of --via, --peer, --igw, --blackhole and --unreachable')
  const route: Route = { prefix: prefixFrom(prefix), table, target }
  return formatRoute(route)
}
