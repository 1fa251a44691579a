/** The names of a switch's guests, and what is said about them. A guest sees those of its own switch alone. */
import { formatIp, isIpv4, parseIp, type Ip } from '#wire/ip-address.ts'
import { contains, parsePrefix, type Prefix } from '#wire/prefix.ts'
import { isInternet, nameBytes, opcodeOf, rcode, type, type Answer, type Question, type Said } from './dns-message.ts'

/** As src/object/sync/projection/guest-files.ts writes it. */
export interface Zone {
  readonly domains: readonly string[]
  /** Networks of the switch, whose addresses have names here or none. */
  readonly prefixes: readonly string[]
  readonly names: Readonly<Record<string, readonly string[]>>
}

const ttlSeconds = 10

const ipOf = (text: string): Ip | undefined => {
  const read = parseIp(text)
  return read.ok ? read.value : undefined
}

/** The address of a name below in-addr.arpa or ip6.arpa. */
export function reverseAddress(name: string): Ip | undefined {
  const four = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)
  if (four) return ipOf(four.slice(1).reverse().join('.'))
  const six = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name)
  if (!six) return undefined
  const digits = six[1]!.split('.').reverse().join('')
  return ipOf(digits.match(/.{4}/g)!.join(':'))
}

const below = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`)

/** A negative answer, RFC 2308, and who is responsible. */
function soa(domain: string): Answer {
  const numbers = Buffer.alloc(20)
  for (const [i, value] of [1, 3600, 600, 86_400, ttlSeconds].entries()) numbers.writeUInt32BE(value, 4 * i)
  return {
    name: domain,
    type: type.soa,
    ttl: ttlSeconds,
    data: Buffer.concat([nameBytes(`ns.${domain}`), nameBytes(`hostmaster.${domain}`), numbers]),
  }
}

const positive = (answers: readonly Answer[], domain: string): Said => ({
  code: rcode.noError,
  authoritative: true,
  answers,
  ...(answers.length === 0 && { authority: [soa(domain)] }),
})
const nobody = (domain: string): Said => ({ code: rcode.nxDomain, authoritative: true, authority: [soa(domain)] })

const wants = (question: Question, kind: number): boolean => question.type === kind || question.type === type.any

function forward(zone: Zone, question: Question, domain: string): Said {
  const { name } = question
  const addresses = Object.hasOwn(zone.names, name) ? zone.names[name]! : undefined
  const exists = addresses !== undefined || name === domain || Object.keys(zone.names).some((other) => other.endsWith(`.${name}`))
  if (!exists) return nobody(domain)
  const answers = (addresses ?? []).flatMap((text): Answer[] => {
    const address = ipOf(text)
    const kind = address && (isIpv4(address) ? type.a : type.aaaa)
    return address !== undefined && kind !== undefined && wants(question, kind) ? [{ type: kind, ttl: ttlSeconds, data: address }] : []
  })
  if (name === domain && wants(question, type.soa)) answers.push(soa(domain))
  return positive(answers, domain)
}

function reverse(zone: Zone, question: Question, address: Ip): Said | undefined {
  const has = (text: string): boolean => {
    const prefix = parsePrefix(text)
    return prefix.ok && contains(prefix.value as Prefix, address)
  }
  if (!zone.prefixes.some(has)) return undefined
  const text = formatIp(address)
  const apex = isIpv4(address) ? 'in-addr.arpa' : 'ip6.arpa'
  const names = Object.entries(zone.names)
    .filter(([, addresses]) => addresses.includes(text))
    .map(([name]) => name)
  if (names.length === 0) return nobody(apex)
  return positive(wants(question, type.ptr) ? names.map((name) => ({ type: type.ptr, ttl: ttlSeconds, data: nameBytes(name) })) : [], apex)
}

/** What the zone says to a question; undefined: it is not about this zone. */
export function answerFrom(zone: Zone, question: Question): Said | undefined {
  const { name } = question
  if (question.edns !== undefined && question.edns.version !== 0) return { code: rcode.badVers, authoritative: false }
  if (opcodeOf(question) !== 0) return { code: rcode.notImp, authoritative: false }
  if (!isInternet(question)) return { code: rcode.refused, authoritative: false }
  const address = reverseAddress(name)
  if (address !== undefined) return reverse(zone, question, address)
  const domain = zone.domains.filter((each) => below(name, each)).sort((a, b) => b.length - a.length)[0]
  if (domain !== undefined) return forward(zone, question, domain)
  // A guest with a dotted name of its own, outside of the domains.
  return Object.hasOwn(zone.names, name) ? forward(zone, question, name) : undefined
}
