/**
 * VTEPs that a mux reaches by a way of their own: a narrower one, or one that must be encrypted. As values, and as text
 * (`192.0.2.7 mtu=1400 ipsec`).
 */
import { formatEndpoint, parseEndpoint, type Endpoint } from '#wire/endpoint.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { json } from './codec.ts'
import { kindOf, listOf, type Kind } from './kind.ts'

export interface FarVtep {
  /** Port 0: that of the mux. */
  readonly vtep: Endpoint
  /** Bytes of the largest outer packet on the way; null: as the kernel says. */
  readonly mtuBytes: number | null
  /** No packet passes between the two, unless IPsec protects it. */
  readonly ipsec: boolean
}

/** How many there may be: the kernel has two policies of IPsec for each. */
export const maxFarVteps = 4096

/** An MTU that carries an IPv6 packet (RFC 8200), up to that of a tap. */
const mtuRange = [1280, 65_521] as const

/** A VTEP as text: with its UDP port, if that is not the mux's own. */
export const vtepText = (vtep: Endpoint): string => (vtep.port === 0 ? formatIp(vtep.address) : formatEndpoint(vtep))

/** The reverse. An IPv6 address needs brackets only before a port. */
export function parseVtep(text: string): Result<Endpoint> {
  const bare = parseIp(text)
  return bare.ok ? success({ address: bare.value, port: 0 }) : parseEndpoint(text, 0)
}

const format = ({ vtep, mtuBytes, ipsec }: FarVtep): string =>
  [vtepText(vtep), ...(mtuBytes === null ? [] : [`mtu=${mtuBytes}`]), ...(ipsec ? ['ipsec'] : [])].join(' ')

function parse(text: string): Result<FarVtep> {
  const [first = '', ...words] = text.trim().split(/\s+/)
  const vtep = parseVtep(first)
  if (!vtep.ok) return vtep
  let mtuBytes: number | null = null
  let ipsec = false
  for (const word of words) {
    const [, digits] = /^mtu=([0-9]{1,5})$/.exec(word) ?? []
    if (word === 'ipsec') ipsec = true
    else if (digits === undefined) return failure(`'${word}' is neither ipsec nor mtu=BYTES; a line is VTEP mtu=BYTES ipsec`)
    else mtuBytes = Number(digits)
  }
  if (mtuBytes !== null && (mtuBytes < mtuRange[0] || mtuBytes > mtuRange[1]))
    return failure(`an MTU of ${mtuBytes} bytes is not one of ${mtuRange[0]} to ${mtuRange[1]}`)
  return success({ vtep: vtep.value, mtuBytes, ipsec })
}

function fromJson(value: unknown): ReturnType<Kind<readonly FarVtep[]>['fromJson']> {
  const read = listOf(value, (item) => {
    const found = typeof item === 'string' ? parse(item) : failure(`this must be a VTEP, not ${kindOf(item)}`)
    return found.ok ? { ok: true, value: found.value } : { ok: false, problem: found.problem }
  })
  if (!read.ok) return read
  if (read.value.length > maxFarVteps) return { ok: false, problem: `${read.value.length} VTEPs are more than ${maxFarVteps}` }
  const names = read.value.map(({ vtep }) => vtepText(vtep))
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  return twice < 0 ? read : { ok: false, problem: `${names[twice]} is in the list already`, at: `[${twice}]` }
}

const toJson = (value: readonly FarVtep[]): readonly string[] => value.map(format)

/** The list of a mux. */
export const farVteps: Kind<readonly FarVtep[], readonly string[]> = {
  codec: {
    shape: 'json, array of `VTEP mtu=BYTES ipsec`',
    encode: (value) => json<readonly string[]>('').encode(toJson(value)),
    decode(input) {
      const read = json<unknown>('').decode(input)
      if (!read.ok) return read
      const found = fromJson(read.value)
      return found.ok ? found : { ok: false, why: found.problem }
    },
  },
  text: {
    placeholder: 'VTEP',
    isList: true,
    parse(text) {
      const read = parse(text)
      return read.ok ? success(format(read.value)) : read
    },
  },
  shape: 'list of VTEPs with mtu=BYTES and ipsec',
  toJson,
  fromJson,
}
