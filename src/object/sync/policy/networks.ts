/**
 * The networks in the rules of one switch, and which of them contain an address. An entry of the table `cidrs` counts
 * for all addresses for which it is the longest match, so it has the atoms of all enclosing networks.
 */
import { parsePrefix, type Prefix } from '#wire/prefix.ts'
import { must } from '#wire/result.ts'
import { toMapped } from '#wire/ip-address.ts'
import { addressKey } from '../../store/keys.ts'
import type { Atom } from './policy.ts'

/** A network by its 16 bytes as a key, and its length within 128 bits. */
export interface Network {
  readonly key: string
  readonly length: number
}

const mappedLength = ({ address, length }: Prefix): number => (address.length === 4 ? length + 96 : length)

/** A network's text in the form that the tables have. */
export function networkFrom(text: string): Network {
  const prefix = must(parsePrefix(text))
  return { key: addressKey(toMapped(prefix.address)), length: mappedLength(prefix) }
}

/** All of IPv4. */
const ipv4 = networkFrom('0.0.0.0/0')

/** The first bits of an address. */
export function maskKey(key: string, length: number): string {
  const whole = length >> 3
  const rest = length & 7
  const head = key.slice(0, whole)
  if (whole === 16) return key
  const cut = rest === 0 ? '' : String.fromCharCode(key.charCodeAt(whole) & (0xff00 >> rest) & 0xff)
  return (head + cut).padEnd(16, '\0')
}

const isIpv4Key = (key: string): boolean => key.startsWith(ipv4.key.slice(0, 12))

export class Networks {
  /** By length, then by key: the atoms of the network itself. */
  readonly #byLength = new Map<number, Map<string, Set<Atom>>>()
  #lengths: readonly number[] = []

  /** A network has an atom. */
  add({ key, length }: Network, atom: Atom): void {
    this.#atomsOf(key, length).add(atom)
  }

  #atomsOf(key: string, length: number): Set<Atom> {
    let keys = this.#byLength.get(length)
    if (keys === undefined) {
      this.#byLength.set(length, (keys = new Map()))
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => a - b)
    }
    let atoms = keys.get(key)
    if (atoms === undefined) keys.set(key, (atoms = new Set()))
    return atoms
  }

  /** Call it after the last one: an IPv6 network that contains IPv4's mapped addresses says nothing about them. */
  finish(): void {
    const around = this.#lengths.some((length) => length < ipv4.length && this.#byLength.get(length)!.has(maskKey(ipv4.key, length)))
    if (around) this.#atomsOf(ipv4.key, ipv4.length)
  }

  /** All networks. */
  *all(): Generator<Network> {
    for (const [length, keys] of this.#byLength) for (const key of keys.keys()) yield { key, length }
  }

  /** The atoms of all networks that an address is in; of a network: its own, and of those around it. */
  *around(key: string, most = 128): Generator<Atom> {
    const least = isIpv4Key(key) && most >= ipv4.length ? ipv4.length : 0
    for (const length of this.#lengths) {
      if (length < least || length > most) continue
      const atoms = this.#byLength.get(length)!.get(maskKey(key, length))
      if (atoms !== undefined) yield* atoms
    }
  }
}
