/** The kind of a setting with names of stations that are elsewhere, as /etc/hosts has them. */
import { formatIp, parseIp } from '#wire/ip-address.ts'
import { isDomainName } from '#wire/domain-name.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { chosen, type Kind } from './kind.ts'

/** How many lines there may be: a service reads all of them. */
export const maxNameLines = 4096

function parseLine(line: string): Result<string> {
  const [address = '', ...names] = line.split(/\s+/)
  const ip = parseIp(address)
  if (!ip.ok) return ip
  const odd = names.find((name) => !isDomainName(name))
  if (odd !== undefined) return failure(`'${odd}' is not a host name of at most 63 letters, digits, dashes and dots`)
  if (names.length === 0) return failure(`${address} has no name; a line is ADDRESS NAME`)
  return success([formatIp(ip.value), ...names.map((name) => name.toLowerCase())].join(' '))
}

function parseNames(text: string): Result<string> {
  const found: string[] = []
  for (const [i, each] of text.split('\n').entries()) {
    const line = each.replace(/#.*/, '').trim()
    if (line === '') continue
    const read = parseLine(line)
    if (!read.ok) return failure(`line ${i + 1}: ${read.problem}`)
    found.push(read.value)
  }
  if (found.length === 0) return failure('there is no name in it')
  return found.length > maxNameLines ? failure(`${found.length} lines are more than ${maxNameLines}`) : success(found.join('\n'))
}

const lines = chosen('lines of ADDRESS NAME', 'NAMES', (value: string) => value, parseNames)

/** Names, one address a line, or none. */
export const stationNames: Kind<string | null, string | null> = {
  ...lines,
  text: { ...lines.text, placeholder: 'FILE|none', isFile: true },
}
