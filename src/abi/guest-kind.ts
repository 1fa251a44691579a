/**
 * Where the unit of a hostif is: in which network namespace, by which name, with which addresses and gateways. In
 * documents a map; on the command line `web,name=eth0,address=10.0.0.1/24,gateway=10.0.0.254`.
 */
import { formatIp, isIpv4, parseIp } from '#wire/ip-address.ts'
import { contains, formatPrefix, parsePrefix, prefixFrom } from '#wire/prefix.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { json } from './codec.ts'
import { kindOf, optional, type Kind, type Read } from './kind.ts'

export interface Guest {
  /**
   * A name under /run/netns; `pid:PID:START`: that of a process, with field 22 of its /proc/PID/stat; or
   * `container:NAME`: that of a container, as long as it has that name or id.
   */
  readonly netns: string
  /** Name of the interface there; null: the unit's. */
  readonly name: string | null
  /** `10.0.0.1/24`: the address, and how long the prefix of its subnet is. */
  readonly addresses: readonly string[]
  /** Next hops of the default routes, one of each family at most. */
  readonly gateways: readonly string[]
}

const good = <T>(value: T): Read<T> => ({ ok: true, value })
const bad = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem })

const isInterfaceName = (text: string): boolean => /^[^\s/:]{1,15}$/.test(text) && text !== '.' && text !== '..'

/** The process of `pid:PID:START`; undefined when that is a name. */
export function pidOf(netns: string): { readonly pid: number; readonly startTicks: number } | undefined {
  const [, pid, startTicks] = /^pid:([1-9]\d{0,9}):(\d{1,15})$/.exec(netns) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), startTicks: Number(startTicks) }
}

/** For people: a process without the time when it began. */
export const formatNetns = (netns: string): string => {
  const process = pidOf(netns)
  return process === undefined ? netns : `pid:${process.pid}`
}

/** The container of `container:NAME`; undefined when that is something else. */
export const containerOf = (netns: string): string | undefined => /^container:([\w][\w.-]{0,127})$/.exec(netns)?.[1]

function isNetns(text: string): boolean {
  return pidOf(text) !== undefined || containerOf(text) !== undefined || (/^[^/\s,:\0]{1,255}$/.test(text) && text !== '.' && text !== '..')
}

function readAddress(value: unknown): Read<string> {
  const read = typeof value === 'string' && value.includes('/') ? parsePrefix(value) : undefined
  if (read === undefined) return bad(`an address of a guest is one with its prefix length, such as 10.0.0.1/24, not ${kindOf(value)}`)
  return read.ok ? good(formatPrefix(read.value)) : bad(read.problem)
}

function readGateway(value: unknown): Read<string> {
  const read = typeof value === 'string' ? parseIp(value) : undefined
  if (read === undefined) return bad(`a gateway is an address, not ${kindOf(value)}`)
  return read.ok ? good(formatIp(read.value)) : bad(read.problem)
}

function readAll(value: unknown, what: string, read: (item: unknown) => Read<string>): Read<readonly string[]> {
  if (value === undefined || value === null) return good([])
  if (!Array.isArray(value)) return bad(`${what} must be a list, not ${kindOf(value)}`)
  const found = new Set<string>()
  for (const item of value) {
    const one = read(item)
    if (!one.ok) return one
    found.add(one.value)
  }
  return good([...found])
}

const known = ['netns', 'name', 'addresses', 'gateways']

/** Read it from JSON. */
export function readGuest(value: unknown): Read<Guest> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(`a guest is a map, not ${kindOf(value)}`)
  const map = value as Readonly<Record<string, unknown>>
  const strange = Object.keys(map).find((key) => !known.includes(key))
  if (strange !== undefined) return bad(`unknown key '${strange}' of a guest; expected one of ${known.join(', ')}`)
  const { netns, name = null } = map
  if (typeof netns !== 'string' || !isNetns(netns))
    return bad(`the namespace of a guest is a name under /run/netns, pid:PID:START or container:NAME, not ${kindOf(netns)}`)
  if (name !== null && (typeof name !== 'string' || !isInterfaceName(name)))
    return bad(`the name of an interface has 1 to 15 characters, without spaces and slashes, not ${kindOf(name)}`)
  const addresses = readAll(map.addresses, 'addresses', readAddress)
  if (!addresses.ok) return addresses
  const gateways = readAll(map.gateways, 'gateways', readGateway)
  if (!gateways.ok) return gateways
  const problem = gatewayProblem(addresses.value, gateways.value)
  return problem === undefined ? good({ netns, name, addresses: addresses.value, gateways: gateways.value }) : bad(problem)
}

/** The kernel takes no gateway that none of the addresses reaches. */
function gatewayProblem(addresses: readonly string[], gateways: readonly string[]): string | undefined {
  for (const [i, gateway] of gateways.entries()) {
    const ip = parseIp(gateway)
    if (!ip.ok) return ip.problem
    const twin = gateways.find((other, j) => j < i && other.includes(':') === gateway.includes(':'))
    if (twin !== undefined) return `${twin} and ${gateway} are both gateways of ${isIpv4(ip.value) ? 'IPv4' : 'IPv6'}; give one`
    const isLinkLocal = gateway.startsWith('fe80:')
    if (!isLinkLocal && !addresses.some((address) => contains(prefixFrom(address), ip.value)))
      return `gateway ${gateway} is in the subnet of none of the guest's addresses`
  }
  return undefined
}

/** As documents have it, without what is left out. */
const lean = ({ netns, name, addresses, gateways }: Guest): object => ({
  netns,
  ...(name !== null && { name }),
  ...(addresses.length > 0 && { addresses }),
  ...(gateways.length > 0 && { gateways }),
})

/** `web,name=eth0,address=10.0.0.1/24`. */
export const formatGuest = ({ netns, name, addresses, gateways }: Guest): string =>
  [
    netns,
    ...(name === null ? [] : [`name=${name}`]),
    ...addresses.map((each) => `address=${each}`),
    ...gateways.map((each) => `gateway=${each}`),
  ].join(',')

/** The reverse of `formatGuest`; gives it as JSON has it. */
function parseGuest(text: string): Result<unknown> {
  const [netns, ...words] = text.split(',')
  const guest = { netns, addresses: [] as string[], gateways: [] as string[] } as Record<string, unknown>
  for (const word of words) {
    const [key, ...rest] = word.split('=')
    const value = rest.join('=')
    if (key === 'name' && guest.name === undefined) guest.name = value
    else if (key === 'address') (guest.addresses as string[]).push(value)
    else if (key === 'gateway') (guest.gateways as string[]).push(value)
    else return failure(`'${word}' is not one of name=NAME, address=ADDRESS/LENGTH, gateway=ADDRESS`)
  }
  const read = readGuest(guest)
  return read.ok ? success(lean(read.value)) : failure(read.problem)
}

const plain = json<unknown>('object `Guest` of src/abi/guest-kind.ts, or null')

const one: Kind<Guest, object> = {
  shape: 'map of netns, name, addresses and gateways',
  toJson: lean,
  fromJson: readGuest,
  text: { placeholder: 'NETNS[,name=NAME][,address=ADDRESS/LENGTH]...[,gateway=ADDRESS]...', parse: parseGuest },
}

/** A guest, or none: whoever wants the unit takes it. */
export const guest: Kind<Guest | null, object | null> = {
  ...optional(one),
  text: { ...one.text, placeholder: `${one.text.placeholder}|none`, parse: (text) => (text === 'none' ? success(null) : parseGuest(text)) },
  codec: {
    shape: plain.shape,
    encode: (value) => plain.encode(value === null ? null : lean(value)),
    decode(input) {
      const value = plain.decode(input)
      if (!value.ok) return value
      if (value.value === null) return { ok: true, value: null }
      const read = readGuest(value.value)
      return read.ok ? read : { ok: false, why: read.problem }
    },
  },
}
