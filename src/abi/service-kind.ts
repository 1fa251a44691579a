/** Kinds of settings of what a subnet's gateway tells its guests: servers, a domain, routes. Their order counts. */
import { formatIp, isIpv4, parseIp, type Ip } from '#wire/ip-address.ts'
import { isDomainName } from '#wire/domain-name.ts'
import { formatPrefix, parseNetwork, type Prefix } from '#wire/prefix.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { chosen, type Kind } from './kind.ts'

/** A list as one text, with commas between. */
function list<T>(text: string, what: string, most: number, parse: (item: string) => Result<T>): Result<readonly T[]> {
  const items: T[] = []
  for (const item of text.split(',')) {
    const read = parse(item.trim())
    if (!read.ok) return read
    items.push(read.value)
  }
  return items.length > most ? failure(`${items.length} ${what} are more than the ${most} that an answer has room for`) : success(items)
}

/** Addresses of servers, the first choice first; or none. */
export const servers = (most: number): Kind<readonly Ip[] | null, string | null> =>
  chosen(
    'addresses with commas between',
    'ADDRESS,…',
    (value) => value.map(formatIp).join(', '),
    (text) => list(text, 'servers', most, parseIp),
  )

/** A domain name, or none. */
export const domainName: Kind<string | null, string | null> = chosen(
  'a domain name',
  'NAME',
  (value) => value,
  (text) => (isDomainName(text) ? success(text) : failure(`'${text}' is not a domain name of at most 63 letters, digits, dashes and dots`)),
)

/** A network, and the station of the subnet that leads there. */
export interface GuestRoute {
  readonly prefix: Prefix
  readonly via: Ip
}

function parseGuestRoute(text: string): Result<GuestRoute> {
  const words = text.split(/\s+/)
  if (words.length !== 3 || words[1] !== 'via') return failure(`'${text}' is not a route; one is 'NETWORK via ADDRESS'`)
  const [prefix, via] = [parseNetwork(words[0]!), parseIp(words[2]!)]
  if (!prefix.ok) return prefix
  if (!via.ok) return via
  if (!isIpv4(prefix.value.address) || !isIpv4(via.value)) return failure(`'${text}' is not IPv4: DHCPv6 has no routes`)
  return success({ prefix: prefix.value, via: via.value })
}

/** Routes for guests, besides that by the gateway; or none. */
export const guestRoutes = (most: number): Kind<readonly GuestRoute[] | null, string | null> =>
  chosen(
    'routes (NETWORK via ADDRESS) with commas between',
    'ROUTE,…',
    (value) => value.map(({ prefix, via }) => `${formatPrefix(prefix)} via ${formatIp(via)}`).join(', '),
    (text) => list(text, 'routes', most, parseGuestRoute),
  )
