/**
 * Names of the cloud for the objects that a drop is about: the agent says what an object stands for, and the API what
 * that is called, to those who may see it. Nothing waits long for a name: without one the unit stays.
 */
import { typeNameOf, unitTypes, type UnitType } from '#abi/object-type.ts'
import { idTypeCode, type Id } from '#abi/id.ts'
import { readObjects, type CloudThing, type HostObjects } from '#feed/objects-file.ts'
import type { Resource } from '#resource/envelope.ts'
import { kinds } from '#resource/kinds.ts'
import type { ApiClient } from './cloud/api-client.ts'

/** What a unit stands for. */
export interface CloudName extends Omit<CloudThing, 'vpc'> {
  /** `shop/web1`, as commands take it; null: the user may not see it, or is not logged in. */
  readonly path: string | null
  readonly name: string | null
  readonly account: string | null
  readonly vpc: string | null
}

/** By unit name; a rule by its id. */
export type CloudNames = Readonly<Record<string, CloudName>>

/** What vpcd has of the objects. */
export interface UnitSource {
  headers(type: UnitType): Promise<readonly { readonly unit: string | null; readonly id: Id }[]>
}

export interface NameOptions {
  /** Directory of the agent. */
  readonly stateDir: string
  /** Undefined: nobody is logged in. */
  readonly client: ApiClient | undefined
  say(why: string): void
  readonly now?: () => number
}

interface Asked {
  readonly until: number
  readonly resource: Promise<Resource | undefined>
}

const plurals = new Map<string, string>(kinds.map(({ kind, plural }) => [kind, plural]))
const unitPattern = new RegExp(`\\b(${unitTypes.join('|')})\\d+\\b`, 'g')
const rulePattern = /\brule ([\da-f-]{36}) of (group\d+)/g

/** How long units count as known, and names. */
const unitsMs = 1_000
const newUnitsMs = 100
const namesMs = 60_000
/** How long a drop waits for a name, and how long nobody asks an API that did not answer. */
const patienceMs = 2_000
const awayMs = 10_000

export class DropNames {
  readonly #source: UnitSource
  readonly #stateDir: string
  readonly #client: ApiClient | undefined
  readonly #now: () => number
  readonly #asked = new Map<string, Asked>()
  #objects: HostObjects = {}
  #units = new Map<string, Id>()
  #unitsUntil = 0
  #awayUntil = 0
  #said: string | undefined
  readonly #say: (why: string) => void

  /** `say` is told why there are no names, once for each reason. */
  constructor(source: UnitSource, { stateDir, client, say, now = Date.now }: NameOptions) {
    this.#source = source
    this.#stateDir = stateDir
    this.#client = client
    this.#say = say
    this.#now = now
  }

  /** What the units and rules in some text stand for. */
  async of(text: string): Promise<CloudNames> {
    const units = [...text.matchAll(unitPattern)].map(([unit]) => unit)
    await this.#refresh(units.some((unit) => this.#thingOf(unit) === undefined))
    const found: Record<string, CloudName> = {}
    for (const [unit] of text.matchAll(unitPattern)) {
      const thing = this.#thingOf(unit)
      if (thing !== undefined) found[unit] ??= await this.#nameOf(thing)
    }
    for (const [, id, unit] of text.matchAll(rulePattern)) {
      const group = this.#thingOf(unit!)
      if (group !== undefined) found[id!] = await this.#ruleOf(group, id!)
    }
    return found
  }

  #thingOf(unit: string): CloudThing | undefined {
    const id = this.#units.get(unit)
    return id === undefined ? undefined : this.#objects[id]
  }

  /** A unit may be another object by now, and one that is not known may be new. */
  async #refresh(isNew: boolean): Promise<void> {
    if (this.#now() < this.#unitsUntil - (isNew ? unitsMs - newUnitsMs : 0)) return
    this.#objects = readObjects(this.#stateDir)
    const types = new Set(Object.keys(this.#objects).map((id) => typeNameOf(idTypeCode(id as Id)) as UnitType))
    const headers = await Promise.all([...types].map((type) => this.#source.headers(type)))
    this.#units = new Map(headers.flat().flatMap(({ unit, id }) => (unit === null ? [] : [[unit, id]])))
    this.#unitsUntil = this.#now() + unitsMs
  }

  async #nameOf({ kind, id }: CloudThing): Promise<CloudName> {
    const resource = await this.#ask(kind, id)
    const [account, vpc] = await Promise.all([this.#nameById('account', resource?.account), this.#nameById('vpc', resource?.vpc)])
    const name = resource?.name ?? null
    // As commands take it: an account has groups and vnics, a vpc has subnets and routers.
    const parents = { subnet: [account, vpc], router: [account, vpc] }[kind] ?? [account]
    const parts = [...parents, name]
    return { kind, id, path: parts.includes(null) ? null : parts.join('/'), name, account, vpc: kind === 'vpc' ? name : vpc }
  }

  async #nameById(kind: string, id: unknown): Promise<string | null> {
    return typeof id === 'string' ? ((await this.#ask(kind, id))?.name ?? null) : null
  }

  /** A rule has a note, or else says what it lets pass. */
  async #ruleOf(group: CloudThing, id: string): Promise<CloudName> {
    const own = await this.#nameOf(group)
    const rules = ((await this.#ask(group.kind, group.id))?.rules ?? []) as readonly RuleSpec[]
    const rule = rules.find((each) => isTold(each.id, id))
    return { ...own, kind: 'rule', id: rule?.id ?? id, path: own.path, name: rule === undefined ? null : ruleText(rule) }
  }

  async #ask(kind: string, id: string): Promise<Resource | undefined> {
    const plural = plurals.get(kind)
    if (this.#client === undefined || plural === undefined || this.#now() < this.#awayUntil) return undefined
    const key = `${kind}/${id}`
    const known = this.#asked.get(key)
    if (known !== undefined && known.until > this.#now()) return known.resource
    const resource = this.#request(`/${plural}/${encodeURIComponent(id)}`)
    this.#asked.set(key, { until: this.#now() + namesMs, resource })
    return resource
  }

  async #request(path: string): Promise<Resource | undefined> {
    const timer = Promise.withResolvers<never>()
    const timeout = setTimeout(() => timer.reject(new Error('the API does not answer')), patienceMs)
    try {
      const { status, body } = await Promise.race([this.#client!.ask('GET', path), timer.promise])
      if (status === 401) throw new Error('the API does not know the token; log in again')
      return status === 200 ? body : undefined
    } catch (error) {
      const why = (error as Error).message
      if (why !== this.#said) this.#say(why)
      this.#said = why
      this.#awayUntil = this.#now() + awayMs
      this.#asked.clear()
      return undefined
    } finally {
      clearTimeout(timeout)
    }
  }
}

interface RuleSpec {
  readonly id: string
  readonly direction: string
  readonly protocol: string
  readonly ports: readonly string[]
  readonly note?: string
}

/** A rule for ICMP is two on a host; the one for IPv6 has version 15 in its id (src/agent/compile/groups.ts). */
const isTold = (rule: string, id: string): boolean => rule === id || `${rule.slice(0, 14)}f${rule.slice(15)}` === id

/** Users write notes, so nothing of them reaches a terminal unescaped. */
const ruleText = ({ direction, protocol, ports, note }: RuleSpec): string =>
  note === undefined || note === '' ? [direction, protocol, ports.join(',')].filter((word) => word !== '').join(' ') : JSON.stringify(note)

/** Text with names in the place of units and ids, where there are names. */
export function withNames(text: string, names: CloudNames): string {
  const ruled = text.replaceAll(rulePattern, (all, id: string, unit: string) =>
    (names[id]?.name ?? null) === null ? all : `rule ${names[id]!.name} of ${unit}`,
  )
  return ruled.replaceAll(unitPattern, (unit) => {
    const name = names[unit]
    return (name?.path ?? null) === null ? unit : `${name!.kind} ${name!.path}`
  })
}
