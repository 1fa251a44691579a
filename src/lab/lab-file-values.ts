/** Names, addresses and networks as lab files and cluster files write them. */
import { familyOf, formatIp, isIpv4, parseIp, type Ip } from '#wire/ip-address.ts'
import { contains, formatPrefix, networkOf, nthAddress, overlaps, parseNetwork, parsePrefix, type Prefix } from '#wire/prefix.ts'
import { nearest, type YamlValue } from './yaml-value.ts'

const nameRules = {
  // Namespaces are called LAB-THING: without a dash in it, no lab's name can run into another's things. Names of a lab
  // become names of interfaces, which have 15 characters at most.
  lab: { pattern: /^[a-z][a-z0-9]*$/, says: 'lower case letters and digits, a letter first', longest: 15 },
  thing: { pattern: /^[a-z][a-z0-9-]*$/, says: 'lower case letters, digits and dashes, a letter first', longest: 15 },
  // What is there, and has the names of its makers.
  member: { pattern: /^[a-z][a-z0-9-]*$/, says: 'lower case letters, digits and dashes, a letter first', longest: 63 },
} as const

/** Names that devices have already where a host's or a link's own device is made. */
const takenByDevices = /^(lo|underlay0|bridge0|(hostif|vmnic|vpcmux)\d.*)$/

/** Check a name, given as text. Undefined when it is right, else what is wrong. */
export function nameProblem(name: string, kind: keyof typeof nameRules): string | undefined {
  const { pattern, says, longest } = nameRules[kind]
  if (!pattern.test(name)) return `'${name}' is not a name; names here are ${says}`
  if (kind === 'thing' && takenByDevices.test(name)) return `'${name}' is what a device is called; choose another name`
  return name.length > longest ? `'${name}' is longer than ${longest} characters` : undefined
}

/** The value as a name. */
export function readName(value: YamlValue, kind: keyof typeof nameRules): string | undefined {
  const name = value.text()
  const problem = name === undefined ? undefined : nameProblem(name, kind)
  if (problem !== undefined) value.report(problem)
  return problem === undefined ? name : undefined
}

/** The entries of a map whose keys are names of our own choosing. */
export function readNamed(value: YamlValue, kind: keyof typeof nameRules = 'thing'): [string, YamlValue][] {
  const entries = value.entries()
  if (entries.length === 0 && value.isNull === false) value.report('there must be one at least')
  return entries.filter(([name, entry]) => {
    const problem = nameProblem(name, kind)
    if (problem !== undefined) entry.report(problem)
    return problem === undefined
  })
}

/** The value as one of the names that exist. */
export function readReference<T extends { readonly name: string }>(value: YamlValue, what: string, known: readonly T[]): T | undefined {
  const name = value.text()
  const found = known.find((candidate) => candidate.name === name)
  if (name !== undefined && found === undefined)
    value.report(
      `there is no ${what} '${name}'; ${nearest(
        name,
        known.map((candidate) => candidate.name),
      )}`,
    )
  return found
}

/** A network without host bits, of a given family or of either. */
export function readNetwork(value: YamlValue, family?: 4 | 6): Prefix | undefined {
  const text = value.text()
  if (text === undefined) return undefined
  const network = parseNetwork(text)
  const found = network.ok ? familyOf(network.value.address) : undefined
  if (!network.ok) value.report(network.problem)
  else if (family !== undefined && found !== family) value.report(`${text} is IPv${found}; this must be an IPv${family} network`)
  else return network.value
  return undefined
}

/** An address with its prefix length, host bits and all. */
export function readPrefix(value: YamlValue): Prefix | undefined {
  const text = value.text()
  if (text === undefined) return undefined
  const prefix = parsePrefix(text)
  if (!prefix.ok) value.report(prefix.problem)
  return prefix.ok ? prefix.value : undefined
}

/** An address that a machine may have in a network. */
export function readAddress(value: YamlValue, network: Prefix, where: string): Ip | undefined {
  const text = value.text()
  if (text === undefined) return undefined
  const address = parseIp(text)
  if (!address.ok) value.report(address.problem)
  else if (!isUsable(network, address.value))
    value.report(`${text} is not for a machine in ${where} (${formatPrefix(network)}); ${usableRange(network)}`)
  else return address.value
  return undefined
}

/** Report when networks that must be apart have an address in common. */
export function reportOverlap(
  value: YamlValue,
  network: Prefix,
  others: readonly { readonly name: string; readonly network: Prefix }[],
): void {
  const other = others.find((candidate) => overlaps(candidate.network, network))
  if (other !== undefined) value.report(`${formatPrefix(network)} overlaps ${formatPrefix(other.network)} of ${other.name}; choose another`)
}

/** The addresses of one network, given out once each. */
export class AddressPool {
  readonly #network: Prefix
  readonly #owners = new Map<string, string>()

  constructor(network: Prefix) {
    this.#network = network
  }

  /** Give a named address to a machine. Undefined when it is free, else who has it. */
  claim(address: Ip, owner: string): string | undefined {
    const text = formatIp(address)
    const other = this.#owners.get(text)
    if (other === undefined) this.#owners.set(text, owner)
    return other
  }

  /** The first free address. Undefined when the network is full. */
  next(owner: string): Ip | undefined {
    for (let n = 1; n <= this.#owners.size + 2; n++) {
      const address = nthAddress(this.#network, n)
      if (address === undefined || !isUsable(this.#network, address)) return undefined
      if (this.claim(address, owner) === undefined) return address
    }
    return undefined
  }
}

/** Neither the network's own address nor its broadcast address. A network of one or two addresses has neither. */
function isUsable(network: Prefix, address: Ip): boolean {
  if (!contains(network, address)) return false
  const bits = isIpv4(network.address) ? 32 : 128
  if (bits - network.length <= 1) return true
  const text = formatIp(address)
  return text !== formatIp(networkOf(network).address) && !(bits === 32 && text === formatIp(lastAddress(network)))
}

const lastAddress = (network: Prefix): Ip =>
  nthAddress(network, (1n << BigInt((isIpv4(network.address) ? 32 : 128) - network.length)) - 1n)!

const usableRange = (network: Prefix): string => `take one such as ${formatIp(nthAddress(network, 1) ?? network.address)}`
