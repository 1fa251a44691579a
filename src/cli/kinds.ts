/** The kinds of option values that the objects of a host have: ids, VNIs, VLANs, addresses. */
import { describeIdProblem, parseId, type Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { parseEndpoint, formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, fromMapped, parseIp, toMapped } from '#wire/ip-address.ts'
import { formatMac, isMulticastMac, isZeroMac, parseMac } from '#wire/mac.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { parseVni } from '#wire/vni.ts'
import { parseGiven } from './given-name.ts'
import { integer, Option, valueOption } from './option.ts'

/** An object of one type: its id, or what people call it. */
export const idOf = (type: UnitType, help: string): Option<Id | undefined> => idOfAny([type], help)

/** An object of one of several types. */
export const idOfAny = (types: readonly UnitType[], help: string): Option<Id | undefined> =>
  valueOption(help, { placeholder: 'ID', completion: { ids: types }, parse: (text) => parseGiven(text, types) })

/** An id for an object that the command makes. */
export function newId(text: string, type: UnitType): Result<Id> {
  const read = parseId(text, type)
  return read.ok ? success(read.id) : failure(describeIdProblem(read.problem))
}

export const vniOption = (help: string): Option<number | undefined> => valueOption<number>(help, { placeholder: 'VNI', parse: parseVni })

/** 0 is untagged; IEEE 802.1Q reserves 4095, which the ABI takes, as the original did. */
export const vlanOption = (help: string): Option<number | undefined> => integer(help, 'TAG', 0, 4094)

/** A MAC address of one interface, in its usual text form. */
export const macOption = (help: string): Option<string | undefined> => valueOption(help, { placeholder: 'MAC', parse: parseInterfaceMac })

/** A MAC address that an interface can have, in its usual text form. */
export function parseInterfaceMac(text: string): Result<string> {
  const mac = parseMac(text)
  if (!mac.ok) return mac
  if (isMulticastMac(mac.value)) return failure(`'${text}' is a multicast MAC address; no interface can have it`)
  return isZeroMac(mac.value) ? failure(`'${text}' is not an interface's MAC address`) : success(formatMac(mac.value))
}

/** A MAC address, or all zeros. */
export const macOrZeroOption = (help: string): Option<string | undefined> =>
  valueOption(help, { placeholder: 'MAC', parse: parseMacOrZero })

/** A MAC address of one interface, or all zeros, in its usual text form. */
export function parseMacOrZero(text: string): Result<string> {
  const mac = parseMac(text)
  if (!mac.ok) return mac
  if (isMulticastMac(mac.value)) return failure(`'${text}' is a multicast MAC address; all zeros stand for broadcast and multicast`)
  return success(formatMac(mac.value))
}

/** An IPv4 or IPv6 address in its canonical text form. */
export const ipOption = (help: string): Option<string | undefined> => valueOption(help, { placeholder: 'ADDRESS', parse: parseAddress })

/** An IPv4 or IPv6 address in its canonical text form. */
export function parseAddress(text: string): Result<string> {
  const ip = parseIp(text)
  // An IPv4 address in IPv6's form is that IPv4 address.
  return ip.ok ? success(formatIp(fromMapped(toMapped(ip.value)))) : ip
}

/** `HOST:PORT`, in its canonical text form. */
export const endpointOption = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'HOST:PORT',
    parse: (text) => {
      const endpoint = parseEndpoint(text)
      if (endpoint.ok && endpoint.value.port === 0) return failure(`'${text}' has port 0; VXLAN has 4789`)
      return endpoint.ok ? success(formatEndpoint(endpoint.value)) : endpoint
    },
  })

/** Bytes of the largest layer 3 packet; 0: as the underlay allows. */
export const mtuOption = (help: string): Option<number | undefined> => {
  const { spec } = integer(`${help}, or auto: as the underlay allows`, 'BYTES|auto', 68, 65535)
  return new Option({ ...spec, parse: (text) => (text === 'auto' ? success(0) : spec.parse(text)) })
}

/** Where another host is: its underlay address, with the port when it is not the mux's own. */
export const vtepOption = (help: string): Option<string | undefined> => valueOption(help, { placeholder: 'HOST[:PORT]', parse: parseVtep })

/** A VTEP in its canonical text form. */
export function parseVtep(text: string): Result<string> {
  const isBareIpv6 = !text.startsWith('[') && text.split(':').length > 2
  const ip = isBareIpv6 ? parseIp(text) : undefined
  if (ip !== undefined) return ip.ok ? success(formatIp(ip.value)) : ip
  const endpoint = parseEndpoint(text, 0)
  if (!endpoint.ok) return endpoint
  if (/:0+$/.test(text)) return failure(`'${text}' has port 0; leave it out for the mux's own`)
  return success(endpoint.value.port === 0 ? formatIp(endpoint.value.address) : formatEndpoint(endpoint.value))
}

/** Name of an interface of the host, by Linux's rules. */
export const interfaceName = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'INTERFACE',
    completion: 'interface',
    parse: (text) =>
      /^[^\s/]{1,15}$/.test(text) && text !== '.' && text !== '..'
        ? success(text)
        : failure(`'${text}' cannot be the name of an interface; one has 1 to 15 characters without spaces or slashes`),
  })
