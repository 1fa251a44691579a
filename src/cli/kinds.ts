/** The kinds of option values that the objects of a host have: ids, VNIs, VLANs, addresses. */
import { describeIdProblem, generateId, parseId, type Id } from '#abi/id.ts'
import { typeNoun, type TypeName, type UnitType } from '#abi/object-type.ts'
import { parseEndpoint, formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import { formatMac, isMulticastMac, isZeroMac, parseMac } from '#wire/mac.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { maxVni, parseVni } from '#wire/vni.ts'
import { integer, valueOption, type Option } from './option.ts'

/** The id of an object of one type. A wrong type byte is refused with the id that would be right. */
export const idOf = (type: UnitType, help: string): Option<Id | undefined> =>
  valueOption(help, {
    placeholder: 'ID',
    completion: { ids: [type] },
    parse: (text) => {
      const result = parseId(text, type)
      return result.ok ? success(result.id) : failure(describeIdProblem(result.problem))
    },
  })

/** The id of an object of one of several types. */
export const idOfAny = (types: readonly UnitType[], help: string): Option<Id | undefined> =>
  valueOption(help, { placeholder: 'ID', completion: { ids: types }, parse: (text) => parseIdOfAny(text, types) })

function parseIdOfAny(text: string, types: readonly UnitType[]): Result<Id> {
  const whole = parseId(text)
  if (!whole.ok) return failure(describeIdProblem(whole.problem))
  const results = types.map((type) => parseId(text, type))
  const right = results.find((result) => result.ok)
  if (right?.ok) return success(right.id)
  const suggestions = results.flatMap((result, i) =>
    !result.ok && result.problem.kind === 'wrong-type' ? [`for ${typeNoun[types[i]!]} use ${result.problem.suggestion}`] : [],
  )
  const is = describeIdProblem({ kind: 'wrong-type', text, found: codeOf(whole.id), wanted: types[0]!, suggestion: whole.id }).split(';')[0]!
  return failure(`${is}; ${suggestions.join(', ')}`)
}

const codeOf = (id: Id): number => parseInt(id.slice(21, 23), 16)

/** For a command that creates: leaving the id out gets a fresh one proposed. */
export const newIdOf = (type: UnitType, help: string): Option<Id> =>
  idOf(type, help).required.orElse(() => `choose one, for example ${generateId(type as TypeName)}`)

export const vniOption = (help: string): Option<number | undefined> =>
  valueOption<number>(help, { placeholder: `0..${maxVni}`, parse: parseVni })

/** 0 is untagged; 4095 is reserved by IEEE 802.1Q but the ABI takes it. */
export const vlanOption = (help: string): Option<number | undefined> => integer(help, '0..4095', 0, 4095)

/** A MAC address of one interface, in its usual text form. */
export const macOption = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'MAC',
    parse: (text) => {
      const mac = parseMac(text)
      if (!mac.ok) return mac
      if (isMulticastMac(mac.value)) return failure(`'${text}' is a multicast MAC address; no interface can have it`)
      return isZeroMac(mac.value) ? failure(`'${text}' is no interface's MAC address`) : success(formatMac(mac.value))
    },
  })

/** A MAC address, or all zeros. */
export const macOrZeroOption = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'MAC',
    parse: (text) => {
      const mac = parseMac(text)
      if (!mac.ok) return mac
      return isMulticastMac(mac.value) ? failure(`'${text}' is a multicast MAC address; all zeros stand for broadcast and multicast`) : success(formatMac(mac.value))
    },
  })

/** An IPv4 or IPv6 address in its canonical text form. */
export const ipOption = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'ADDRESS',
    parse: (text) => {
      const ip = parseIp(text)
      return ip.ok ? success(formatIp(ip.value)) : ip
    },
  })

/** `HOST:PORT`, in its canonical text form. */
export const endpointOption = (help: string, defaultPort?: number): Option<string | undefined> =>
  valueOption(help, {
    placeholder: defaultPort === undefined ? 'HOST:PORT' : 'HOST[:PORT]',
    parse: (text) => {
      const endpoint = parseEndpoint(text, defaultPort)
      return endpoint.ok ? success(formatEndpoint(endpoint.value)) : endpoint
    },
  })

/** Bytes of the largest layer 3 packet; 0 stands for 'follows from the underlay'. */
export const mtuOption = (help: string): Option<number | undefined> => integer(help, 'BYTES', 68, 65535)

/** Name of an interface of the host: what Linux takes. */
export const interfaceName = (help: string): Option<string | undefined> =>
  valueOption(help, {
    placeholder: 'INTERFACE',
    completion: 'interface',
    parse: (text) =>
      /^[^\s/]{1,15}$/.test(text) && text !== '.' && text !== '..'
        ? success(text)
        : failure(`'${text}' cannot be the name of an interface; one has 1 to 15 characters without spaces or slashes`),
  })
