/** An address and a port: `192.0.2.1:4789`, `[2001:db8::1]:4789`. */
import { formatIp, type Ip } from './ip-address.ts'
import { parseIpv4 } from './ipv4-address.ts'
import { parseIpv6 } from './ipv6-address.ts'
import { failure, must, success, type Result } from './result.ts'

export interface Endpoint {
  readonly address: Ip
  readonly port: number
}

/** Decimal digits, 0 to 65535, without sign, space or leading zero. */
export function parsePort(text: string): Result<number> {
  const port = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : NaN
  return port <= 65535 ? success(port) : failure(`'${text}' is not a port; a port is a number from 0 to 65535`)
}

/** `host:port`, IPv6 in brackets; names are not looked up. The port may be left out when a default is given. */
export function parseEndpoint(text: string, defaultPort?: number): Result<Endpoint> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(text)
  if (match === null) return failure(`'${text}' is not an address and port; they look like 192.0.2.1:4789 or [2001:db8::1]:4789`)
  const [, six, four, portText] = match
  const address = six === undefined ? parseIpv4(four!) : parseIpv6(six)
  if (!address.ok) {
    const bare = parseIpv6(text.replace(/:[^:]*$/, ''))
    const wayOut = bare.ok ? 'write an IPv6 address in brackets, such as [2001:db8::1]:4789' : address.problem
    return failure(`'${text}' is not an address and port: ${wayOut}`)
  }
  if (portText === undefined) {
    if (defaultPort === undefined) return failure(`'${text}' has no port; write ${formatEndpoint({ address: address.value, port: 4789 })}`)
    return success({ address: address.value, port: defaultPort })
  }
  const port = parsePort(portText)
  if (!port.ok) return failure(`'${text}' is not an address and port: ${port.problem}`)
  return success({ address: address.value, port: port.value })
}

/** A constant. Throws TypeError when the text is not an endpoint. */
export const endpointFrom = (text: string): Endpoint => must(parseEndpoint(text))

/** A host as it stands before a port: an IPv6 address in brackets. RFC 3986, section 3.2.2. */
export const hostText = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** The address may be plain bytes, 4 or 16. */
export const formatEndpoint = ({ address, port }: { readonly address: Uint8Array; readonly port: number }): string =>
  `${hostText(formatIp(address))}:${port}`
