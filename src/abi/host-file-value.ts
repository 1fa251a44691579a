/** Values of a host document, read strictly: each has its kind, or the error has the place and the reason. */
import { asMac, formatMac, isMulticastMac, isZeroMac, parseMac } from '#wire/mac.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import { formatEndpoint, parseEndpoint } from '#wire/endpoint.ts'
import { maxVni } from '#wire/vni.ts'
import type { HostFileProblem } from './host-file.ts'
import { describeIdProblem, idMac, parseId, type Id } from './id.ts'
import { kindOf, type Kind } from './kind.ts'
import type { TypeName } from './object-type.ts'
import { mapped, type Steps } from './steps.ts'

/** Thrown only inside the reader. */
export class BadHostFile extends Error implements HostFileProblem {
  readonly path: string
  readonly problem: string
  constructor(path: string, problem: string) {
    super(problem)
    this.path = path
    this.problem = problem
  }
}

/** One map of the document. Readers take its keys one by one; `end` refuses the rest. */
export class FileMap {
  readonly path: string
  readonly #values: Readonly<Record<string, unknown>>
  readonly #known: string[] = []

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new BadHostFile(path, `this must be a map, not ${kindOf(value)}`)
    this.#values = value as Record<string, unknown>
    this.path = path
  }

  /** Refuse unknown keys. */
  end(): void {
    const strange = Object.keys(this.#values).find((key) => !this.#known.includes(key))
    if (strange === undefined) return
    const hint = this.#known.find((key) => key.startsWith(strange.slice(0, 3)))
    const remedy = hint === undefined ? `expected one of ${this.#known.join(', ')}` : `did you mean '${hint}'?`
    throw new BadHostFile(this.at(strange), `unknown key '${strange}'; ${remedy}`)
  }

  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }

  /** Whether the map has a key. */
  has = (key: string): boolean => this.#values[key] !== undefined

  refuse(key: string, problem: string): never {
    throw new BadHostFile(this.at(key), problem)
  }

  /** A list, one item with each step; nothing is an empty one. */
  *list<T>(key: string, read: (value: unknown, path: string) => T): Steps<T[]> {
    return yield* mapped(this.#items(key), (item, i) => read(item, `${this.at(key)}[${i}]`))
  }

  /** The same of items that are read in steps themselves. */
  *deepList<T>(key: string, read: (value: unknown, path: string) => Steps<T>): Steps<T[]> {
    const found: T[] = []
    for (const [i, item] of this.#items(key).entries()) found.push(yield* read(item, `${this.at(key)}[${i}]`))
    return found
  }

  /** A setting; nothing: the fallback. */
  setting<T>(key: string, kind: Kind<T, unknown>, fallback: T): T {
    const value = this.#take(key)
    if (value === undefined) return fallback
    const read = kind.fromJson(value)
    if (read.ok) return read.value
    throw new BadHostFile(`${this.at(key)}${read.at ?? ''}`, read.problem)
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#take(key) ?? fallback
    return typeof value === 'boolean' ? value : this.refuse(key, `this must be true or false, not ${kindOf(value)}`)
  }

  integer<F extends number | null>(key: string, [min, max]: readonly [number, number], fallback: F): number | F {
    const value = this.#take(key)
    if (value === undefined) return fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    return this.refuse(key, `this must be a whole number from ${min} to ${max}, not ${kindOf(value)}`)
  }

  /** Text, or null when there is none. */
  text(key: string): string | null {
    const value = this.#take(key) ?? null
    return value === null || (typeof value === 'string' && value !== '')
      ? value
      : this.refuse(key, `this must be text, not ${kindOf(value)}`)
  }

  vni<F extends number | null>(key: string, fallback: F): number | F {
    return this.integer(key, [0, maxVni], fallback)
  }

  id(key: string, type: TypeName): Id {
    const parsed = parseId(this.needed(key), type)
    return parsed.ok ? parsed.id : this.refuse(key, describeIdProblem(parsed.problem))
  }

  /** A unicast MAC in its usual form; nothing: the one in the id. */
  mac(key: string, id?: Id): string {
    const text = id === undefined ? this.needed(key) : this.text(key)
    if (text === null) return formatMac(asMac(idMac(id!)))
    const parsed = parseMac(text)
    if (!parsed.ok) return this.refuse(key, parsed.problem)
    if (id !== undefined && (isMulticastMac(parsed.value) || isZeroMac(parsed.value)))
      this.refuse(key, `${text} is not an address that an object can have`)
    return formatMac(parsed.value)
  }

  ip(key: string): string {
    const parsed = parseIp(this.needed(key))
    return parsed.ok ? formatIp(parsed.value) : this.refuse(key, parsed.problem)
  }

  /** An address, with or without a port. */
  vtep(key: string): string {
    const text = this.needed(key)
    const bare = parseIp(text)
    if (bare.ok) return formatIp(bare.value)
    const parsed = parseEndpoint(text, 0)
    if (!parsed.ok) return this.refuse(key, parsed.problem)
    if (/:0+$/.test(text)) return this.refuse(key, `'${text}' has port 0; leave it out for the mux's own`)
    return parsed.value.port === 0 ? formatIp(parsed.value.address) : formatEndpoint(parsed.value)
  }

  needed(key: string): string {
    return this.text(key) ?? this.refuse(key, `'${key}' must be given`)
  }

  #items(key: string): readonly unknown[] {
    const value = this.#take(key) ?? []
    return Array.isArray(value) ? value : this.refuse(key, `this must be a list, not ${kindOf(value)}`)
  }

  #take(key: string): unknown {
    this.#known.push(key)
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined
  }
}
