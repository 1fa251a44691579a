/** Texts of fields in their one form: addresses, networks, ranges, MACs. Each parser says what is wrong with a text. */
import { familyOf, formatIp, parseIp } from '#wire/ip-address.ts'
import { formatMac, isMulticastMac, isZeroMac, parseMac } from '#wire/mac.ts'
import { formatPrefix, parseNetwork } from '#wire/prefix.ts'
import { failure, success, type Result } from '#wire/result.ts'
import type { Field } from './field.ts'
import { isId, isName, nameRule } from './envelope.ts'

type TextField = Extract<Field, { type: 'text' | 'choice' | 'ip' | 'network' | 'range' | 'ports' | 'mac' | 'uuid' | 'time' | 'reference' }>

/** The text in the form that the API keeps, or what is wrong with it. */
export function parseValue(field: TextField, text: string): Result<string> {
  if (!text.isWellFormed()) return failure('it is not well-formed Unicode')
  switch (field.type) {
    case 'text':
      return parseText(field, text)
    case 'choice':
      return field.words.includes(text) ? success(text) : failure(`'${text}' is not one of ${field.words.join(', ')}`)
    case 'ip':
      return parseAddress(text, field.family)
    case 'network':
      return field.auto && text === 'auto' ? success(text) : parseNet(field, text)
    case 'range':
      return parseRange(text)
    case 'ports':
      return parsePorts(text)
    case 'mac':
      return parseUnicastMac(text)
    case 'uuid':
      return isId(text) ? success(text.toLowerCase()) : failure(`'${text}' is not a UUID`)
    case 'time':
      return parseTime(text)
    case 'reference':
      return parseReference(text)
  }
}

function parseText({ max, pattern, looks }: Extract<Field, { type: 'text' }>, text: string): Result<string> {
  if ([...text].length > max) return failure(`it has more than ${max} characters`)
  // Control characters would let a text write over a terminal.
  if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text)) return failure('it has a control character')
  if (looks === 'a name' && isId(text)) return failure(`'${text}' looks like an id; ${nameRule}`)
  if (pattern === undefined || new RegExp(pattern).test(text)) return success(text)
  return failure(looks === 'a name' ? `'${text}' is not a name; ${nameRule}` : `'${text}' is not ${looks ?? 'allowed'}`)
}

function parseAddress(text: string, family?: 4 | 6): Result<string> {
  const ip = parseIp(text)
  if (!ip.ok) return ip
  if (family !== undefined && familyOf(ip.value) !== family) return failure(`'${text}' is not an IPv${family} address`)
  return success(formatIp(ip.value))
}

function parseNet({ family, min, max }: Extract<Field, { type: 'network' }>, text: string): Result<string> {
  const network = parseNetwork(text)
  if (!network.ok) return network
  const { address, length } = network.value
  if (family !== undefined && familyOf(address) !== family) return failure(`'${text}' is not an IPv${family} network`)
  if (length >= (min ?? 0) && length <= (max ?? 128)) return success(formatPrefix(network.value))
  return failure(min === max ? `its prefix length must be ${min}` : `its prefix length must be from ${min ?? 0} to ${max}`)
}

function parseRange(text: string): Result<string> {
  const [first, last, ...more] = text.split('-').map((each) => parseIp(each.trim()))
  if (first === undefined || more.length > 0) return failure(`'${text}' is not FIRST-LAST`)
  if (!first.ok) return first
  if (last === undefined) return success(formatIp(first.value))
  if (!last.ok) return last
  if (first.value.length !== last.value.length) return failure(`'${text}' joins addresses of two families`)
  if (Buffer.compare(first.value, last.value) > 0) return failure(`'${text}' ends before it begins`)
  return success(`${formatIp(first.value)}-${formatIp(last.value)}`)
}

function parsePorts(text: string): Result<string> {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  if (first === undefined || Number(last) > 65_535) return failure(`'${text}' is not a port from 0 to 65535, or FIRST-LAST`)
  if (Number(first) > Number(last)) return failure(`'${text}' ends before it begins`)
  return success(Number(first) === Number(last) ? `${Number(first)}` : `${Number(first)}-${Number(last)}`)
}

function parseUnicastMac(text: string): Result<string> {
  const mac = parseMac(text)
  if (!mac.ok) return mac
  if (isMulticastMac(mac.value)) return failure(`'${text}' is a multicast MAC address; no interface can have it`)
  return isZeroMac(mac.value) ? failure(`'${text}' is not an interface's MAC address`) : success(formatMac(mac.value))
}

function parseTime(text: string): Result<string> {
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const time = isIso ? Date.parse(text) : NaN
  return Number.isNaN(time)
    ? failure(`'${text}' is not a time; one looks like 2027-01-31T12:00:00Z`)
    : success(new Date(time).toISOString())
}

/** An id, a name, or a path of names such as `red/web`. */
function parseReference(text: string): Result<string> {
  if (isId(text)) return success(text.toLowerCase())
  const parts = text.split('/')
  if (parts.length <= 4 && parts.every((part) => isName(part) || isId(part))) return success(text)
  return failure(`'${text}' is neither an id nor a name, nor names joined by '/'`)
}
