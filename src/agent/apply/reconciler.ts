/**
 * Makes vpcd do what the items say. An item that vpcd refuses is left out, or stays as it was before, and all others
 * get on; it is tried again after a while.
 */
import { splitPath, type HostDocument } from '#abi/host-file.ts'
import { VpcError } from '#client/error.ts'
import { itemKey, type FeedItem, type FeedKind } from '#feed/item.ts'
import type { ItemError } from '#feed/message.ts'
import { compile, type Compiled, type Problem } from '../compile/compile.ts'
import type { ItemStore } from '../compile/items.ts'
import { difference, emptyHost, flatten } from './difference.ts'
import { Failures, Substituted, type Clock } from './failures.ts'
import { parentsIn, SectionTable } from './section-table.ts'
import { StationTable } from './station-table.ts'
import { isAway, type HostHalf } from './host-half.ts'

/** vpcd refused a document. */
interface Refusal {
  readonly error: VpcError
  /** Whose fault it is; undefined: vpcd did not say. */
  readonly item: FeedItem | undefined
}

/** vpcd has taken it. */
interface Tried {
  readonly problems: readonly Problem[]
}

/** One document for vpcd, and what becomes of it. */
interface Step extends Tried {
  /** Null: nothing is to be done. */
  readonly document: HostDocument | null
  readonly itemAt: Compiled['itemAt']
  /** vpcd has it. */
  done(): void
}

/** Nothing can be applied, whatever the items: the error is the host's. */
export class HostFailure extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface ReconcilerOptions {
  readonly items: ItemStore
  readonly half: HostHalf
  readonly clock: Clock
}

export class Reconciler {
  readonly #items: ItemStore
  readonly #half: HostHalf
  readonly #failures: Failures
  /** Items that vpcd refused, by key. */
  readonly #refused = new Map<string, FeedItem>()
  /** What stands in the place of an item; null: nothing. */
  readonly #instead = new Map<string, FeedItem | null>()
  /** Changed since the last time that all went well, with what was there before; null: nothing was. */
  readonly #changed = new Map<string, FeedItem | null>()
  readonly #sections: SectionTable
  readonly #stations = new StationTable()
  /** Stations that may have changed since the last try. */
  readonly #touched = new Set<string>()
  /** Whether what we know is all that vpcd has of us. */
  #whole = false

  constructor({ items, half, clock }: ReconcilerOptions) {
    this.#items = items
    this.#sections = new SectionTable(items)
    this.#half = half
    this.#failures = new Failures(clock)
  }

  /** Note that an item comes in the place of another. Call it before the store has it. */
  change(item: FeedItem): void {
    const key = itemKey(item)
    const before = this.#items.get(item.kind, item.id)
    if (!this.#changed.has(key)) this.#changed.set(key, before ?? null)
    this.#sections.touch(before, item)
    this.#touch(key)
  }

  /** Note that an item goes. Call it before the store forgets it. */
  gone(item: { readonly kind: FeedKind; readonly id: string }): void {
    this.#sections.touch(this.#items.get(item.kind, item.id), undefined)
    this.#touch(itemKey(item))
  }

  /** Compare everything with the next run: something may have changed that nobody told. */
  doubt(): void {
    this.#whole = false
  }

  /**
   * Make the host so. `complete`: the items are all that this host shall have, so the rest may go. Throws HostFailure;
   * then vpcd has what it had before.
   */
  async run({ complete }: { readonly complete: boolean }): Promise<void> {
    await this.#connect()
    this.#startAgain()
    const suspects = new Set([...this.#changed.keys()].filter((key) => !this.#instead.has(key)))
    const { problems } = await this.#settle(suspects, complete)
    for (const { item, code, text } of problems) {
      if (this.#failures.waits(item)) this.#failures.reword(item, code, text)
      else this.#failures.note(item, code, text)
    }
    const failing = new Set([...this.#refused.values(), ...problems.map(({ item }) => item)])
    this.#failures.keep((item) => failing.has(item))
    for (const key of this.#changed.keys()) if (!this.#refused.has(key)) this.#changed.delete(key)
  }

  /** What fails now. */
  errors(): ItemError[] {
    return this.#failures.errors()
  }

  /** Whether the host has this very item. */
  has(item: FeedItem): boolean {
    return !this.#refused.has(itemKey(item))
  }

  /** What stands in the place of refused items, by key. */
  substitutes(): ReadonlyMap<string, FeedItem> {
    const found = new Map<string, FeedItem>()
    for (const key of this.#refused.keys()) {
      const item = this.#instead.get(key)
      if (item !== undefined && item !== null) found.set(key, item)
    }
    return found
  }

  /** When something is to be tried again, in ms since 1970; undefined: nothing is. */
  get next(): number | undefined {
    return this.#failures.next
  }

  async #connect(): Promise<void> {
    try {
      if (!(await this.#half.connect())) return
      this.#sections.vpcdHas(emptyHost())
      this.#stations.forget()
      this.#whole = false
    } catch (error) {
      throw failureOfHost(error)
    }
  }

  /** Try refused items again whose time has come, or that the feed has changed. */
  #startAgain(): void {
    for (const key of this.#instead.keys()) this.#touch(key)
    this.#instead.clear()
    for (const [key, item] of this.#refused) {
      const same = this.#items.get(item.kind, item.id) === item
      if (same && this.#failures.waits(item)) this.#instead.set(key, this.#changed.get(key) ?? null)
      else this.#refused.delete(key)
    }
  }

  /** Apply all items; refuse one after another until vpcd takes the rest. `suspects`: keys of what may be at fault. */
  async #settle(suspects: ReadonlySet<string>, complete: boolean): Promise<Tried> {
    for (;;) {
      const tried = await this.#try(complete)
      if (!('error' in tried)) return tried
      const { item, error } = tried
      if (item === undefined || !this.#refuse(item, error)) return this.#narrow([...suspects], tried, complete)
    }
  }

  async #try(complete: boolean): Promise<Tried | Refusal> {
    const whole = complete && !this.#whole
    const step = whole || this.#instead.size > 0 ? this.#atOnce(whole) : this.#bySections()
    this.#touched.clear()
    try {
      if (step.document !== null) await this.#half.apply(step.document)
      this.#stations.done({ removed: this.#whole || whole })
      step.done()
      this.#whole ||= whole
      return { problems: step.problems }
    } catch (error) {
      if (isAway(error) || !(error instanceof VpcError) || isOfHost(error)) throw failureOfHost(error)
      return { error, item: step.document === null ? undefined : this.#culprit(step, step.document, error) }
    }
  }

  /** What the sections say that items touched. */
  #bySections(): Step {
    const sections = this.#sections
    const isWhole = sections.update(this.#half.facts)
    this.#stations.update(this.#items, this.#half.facts, isWhole ? sections.parents : undefined, this.#touched)
    const [{ before, after }, stations] = [sections.changes(), this.#stations.changes()]
    return {
      document: difference(before, after, { remove: this.#whole, stations, all: sections.whole }),
      problems: [...sections.problems, ...this.#stations.problems],
      itemAt: (document, path) => sections.itemAt(document, path),
      done: () => sections.done(),
    }
  }

  /** What all items say, but for those that have others in their place. `whole`: vpcd compares it with what it has. */
  #atOnce(whole: boolean): Step {
    const items = new Substituted(this.#items, this.#instead)
    const small = compile(items, this.#half.facts, { stations: false })
    const after = flatten(small.document)
    this.#stations.update(items, this.#half.facts, new Set(parentsIn(after)), this.#touched)
    const compiled = whole ? compile(items, this.#half.facts) : small
    const surroundings = { remove: this.#whole, stations: this.#stations.changes(), all: after }
    return {
      document: whole ? compiled.document : difference(this.#sections.known, after, surroundings),
      problems: [...compiled.problems, ...(whole ? [] : this.#stations.problems)],
      itemAt: compiled.itemAt,
      done: () => this.#sections.vpcdHas(after),
    }
  }

  /** The item that vpcd's error is about. An error about a whole list of entries is about none of them. */
  #culprit({ itemAt }: Pick<Step, 'itemAt'>, document: HostDocument, error: VpcError): FeedItem | undefined {
    const { path } = splitPath(error.message)
    const [, owner, list, index] = /^(.*)\.(?:remove-)?(entries|neighbours)(?:\[(\d+)\].*)?$/.exec(path) ?? []
    if (path === '' || (list !== undefined && index === undefined)) return undefined
    const found = list === undefined ? undefined : this.#stations.stationAt(this.#items, document, `${owner}.${list}`, Number(index))
    return found ?? itemAt(document, path)
  }

  #touch(key: string): void {
    const [kind, id] = key.split('/') as [FeedKind, string]
    if (kind === 'station') this.#touched.add(id)
  }

  /** Leave an item out, or what is in its place. False: it is out already. */
  #refuse(item: FeedItem, error: VpcError): boolean {
    const key = itemKey(item)
    const now = this.#instead.get(key)
    if (now === null) return false
    this.#instead.set(key, now === undefined ? (this.#changed.get(key) ?? null) : null)
    this.#touch(key)
    const asked = this.#items.get(item.kind, item.id) ?? item
    this.#refused.set(key, asked)
    this.#failures.note(asked, codeOf(error), splitPath(error.message).problem)
    return true
  }

  /** vpcd does not say which item it is: halve what has changed until it is found. */
  async #narrow(suspects: readonly string[], refusal: Refusal, complete: boolean): Promise<Tried> {
    const open = suspects.filter((key) => !this.#instead.has(key))
    for (const key of open) this.#hold(key)
    const without = await this.#try(complete)
    if ('error' in without || open.length === 0) throw failureOfHost(refusal.error)
    return this.#admit(open, refusal, complete)
  }

  /** All suspects are held back, and vpcd takes the rest: let them in, but for those that it refuses. */
  async #admit(suspects: readonly string[], { error }: Refusal, complete: boolean): Promise<Tried> {
    for (const key of suspects) this.#release(key)
    const all = await this.#try(complete)
    if (!('error' in all)) return all
    for (const key of suspects) this.#hold(key)
    if (suspects.length === 1) {
      const item = this.#itemOf(suspects[0]!)
      if (item !== undefined) this.#mark(item, error)
      return (await this.#try(complete)) as Tried
    }
    const middle = Math.ceil(suspects.length / 2)
    await this.#admit(suspects.slice(0, middle), all, complete)
    return this.#admit(suspects.slice(middle), all, complete)
  }

  #hold(key: string): void {
    this.#instead.set(key, this.#changed.get(key) ?? null)
    this.#touch(key)
  }

  #release(key: string): void {
    this.#instead.delete(key)
    this.#touch(key)
  }

  #mark(item: FeedItem, error: VpcError): void {
    this.#refused.set(itemKey(item), item)
    this.#failures.note(item, codeOf(error), splitPath(error.message).problem)
  }

  #itemOf(key: string): FeedItem | undefined {
    const [kind, id] = key.split('/') as [FeedItem['kind'], string]
    return this.#items.get(kind, id)
  }
}

const codes: Readonly<Record<string, string>> = {
  ENOSPC: 'no-room',
  EDQUOT: 'no-room',
  ENOMEM: 'no-room',
  EADDRINUSE: 'conflict',
  EBUSY: 'conflict',
  EEXIST: 'conflict',
  ENODEV: 'interface-missing',
}

const codeOf = ({ code }: VpcError): string => codes[code] ?? 'failed'

/** Errors that have nothing to do with what was asked. */
const isOfHost = ({ code }: VpcError): boolean => code === 'EACCES' || code === 'EPERM'

function failureOfHost(error: unknown): HostFailure {
  if (isAway(error)) return new HostFailure('vpcd-away', (error as Error).message, { cause: error })
  if (error instanceof VpcError) return new HostFailure(codeOf(error), error.message, { cause: error })
  throw error
}
