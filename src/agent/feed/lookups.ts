/**
 * Asks the API for the stations of large vpcs that guests of this host want to reach: by ARP and ND, by names in DNS,
 * by packets that are routed to a station that is not known, by frames to a MAC that nobody here knows, and by packets
 * of unknown senders that groups refuse.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerFrame } from '#client/answer.ts'
import type { DropEvent, MissEvent } from '#abi/info.ts'
import { defaultDomain } from '#abi/service-settings.ts'
import type { FeedItem, StationItem } from '#feed/item.ts'
import { nobodyMs, type Lookup } from '#feed/message.ts'
import type { Log } from '#system/log.ts'
import { formatMac } from '#wire/mac.ts'
import type { Guests } from '../apply/host-half.ts'
import type { Clock } from '../apply/failures.ts'
import { switchId } from '../compile/ids.ts'
import { domainOf } from '../compile/subnets.ts'
import type { Items } from '../compile/items.ts'
import { addressesIn } from './frame-addresses.ts'
import { LookupBudget } from './lookup-budget.ts'

/** As many in one lookup. */
const mostAddresses = 256
/** What nobody has is asked for again after so long. */
const againMs = nobodyMs
/** Stations that one lookup says that this host has. */
const mostHeld = 4_096
/** How long questions gather. */
const gatherMs = 5
/** Drops for want of a station; the senders try again. */
const curable = new Set(['no_host', 'sg_denied', 'unknown_unicast'])

export interface LookupOptions {
  readonly items: Items
  readonly guests: Guests
  readonly post: (lookup: Lookup) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

interface Asked {
  readonly at: number
  /** Who waits for the answer. */
  readonly question: MissEvent | undefined
}

interface Waiting {
  readonly addresses: Set<string>
  readonly names: Set<string>
  readonly macs: Set<string>
}

export class Lookups {
  readonly #options: LookupOptions
  /** By vpc, and address or MAC. */
  readonly #stations = new Map<string, StationItem>()
  readonly #asked = new Map<string, Asked>()
  readonly #waiting = new Map<string, Waiting>()
  /** Listeners by vpc, and that of drops. */
  readonly #listeners = new Map<string, AbortController>()
  readonly #budget: LookupBudget
  #timer: NodeJS.Timeout | undefined

  constructor(options: LookupOptions) {
    this.#options = options
    this.#budget = new LookupBudget(options.clock.elapsed())
  }

  /** Note a station that has come, or another item. */
  came(item: FeedItem): void {
    if (item.kind !== 'station') return
    for (const each of [...item.addresses, item.mac]) this.#stations.set(keyOf(item.vpc, each), item)
  }

  /** Note that an item is gone, or is replaced. */
  went(item: FeedItem | undefined): void {
    if (item?.kind !== 'station') return
    for (const each of [...item.addresses, item.mac]) {
      const key = keyOf(item.vpc, each)
      if (this.#stations.get(key)?.id === item.id) this.#stations.delete(key)
    }
  }

  /** After a run: listen to the vpcs that have come, and answer those who waited for what vpcd knows now. */
  async settle(): Promise<void> {
    const { items } = this.#options
    const wanted = new Set([...items.of('vpc')].filter(({ resolution }) => resolution === 'demand').map(({ id }) => id))
    this.#budget.keep(wanted)
    for (const vpc of wanted) this.#listen(vpc, (signal) => this.#hearQuestions(vpc, signal))
    if (wanted.size > 0) this.#listen('', (signal) => this.#hearDrops(signal))
    for (const [vpc, listener] of this.#listeners) {
      if (wanted.size > 0 && (vpc === '' || wanted.has(vpc))) continue
      listener.abort()
      this.#listeners.delete(vpc)
    }
    for (const [key, { question }] of this.#asked) {
      const station = this.#stations.get(key)
      if (station === undefined) continue
      this.#asked.delete(key)
      if (question !== undefined) await this.#answer(station, question)
    }
  }

  /** Say which stations this host has, before a feed is opened: an API that was restarted has forgotten. */
  async claim(): Promise<void> {
    const { items, post } = this.#options
    const held = Map.groupBy(items.of('station'), ({ vpc }) => vpc)
    for (const { id, resolution } of items.of('vpc')) {
      const ids = resolution === 'demand' ? (held.get(id) ?? []).map((station) => station.id) : []
      for (let i = 0; i < ids.length; i += mostHeld) await post({ vpc: id, addresses: [], vnics: ids.slice(i, i + mostHeld) })
    }
  }

  /** Hear no more. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.abort()
    this.#listeners.clear()
    clearTimeout(this.#timer)
  }

  #listen(vpc: string, hear: (signal: AbortSignal) => Promise<void>): void {
    if (this.#listeners.has(vpc)) return
    const listener = new AbortController()
    this.#listeners.set(vpc, listener)
    const { signal } = listener
    void (async () => {
      // vpcd may go and come again.
      while (!signal.aborted) {
        await hear(signal).catch((error: Error) =>
          this.#options.log.debug('cannot follow the questions of guests', { error: error.message }),
        )
        await sleep(200, undefined, { signal }).catch(() => {})
      }
    })()
  }

  async #hearQuestions(vpc: string, signal: AbortSignal): Promise<void> {
    for await (const question of this.#options.guests.questions(switchId(vpc), signal)) {
      if (question.question === 'name') {
        this.#wantName(vpc, question)
        continue
      }
      if (question.target === null) continue
      const station = this.#stations.get(keyOf(vpc, question.target))
      if (station === undefined) this.#want(vpc, question.target, question)
      else await this.#answer(station, question)
    }
  }

  async #hearDrops(signal: AbortSignal): Promise<void> {
    for await (const drop of this.#options.guests.drops(signal)) if (curable.has(drop.reason)) this.#wantOf(drop)
  }

  /**
   * Both ends of a packet that was dropped, but for guests of this host. And its receiver's MAC, if nobody knows that:
   * a guest that has come from another host brings along what it learnt there, and asks no questions.
   */
  #wantOf({ vni, data, reason }: DropEvent): void {
    const { items } = this.#options
    const vpc = [...items.of('subnet')].find((subnet) => subnet.vni === vni)?.vpc
    if (vpc === undefined || items.get('vpc', vpc)?.resolution !== 'demand') return
    const own = new Set([...items.of('vnic')].filter((vnic) => vnic.vpc === vpc).flatMap(({ addresses }) => addresses))
    const frame = Buffer.from(data, 'base64')
    for (const address of addressesIn(frame)) {
      if (!own.has(address) && !this.#stations.has(keyOf(vpc, address))) this.#want(vpc, address, undefined)
    }
    const mac = reason === 'unknown_unicast' && frame.length >= 6 ? formatMac(frame.subarray(0, 6)) : undefined
    if (mac !== undefined && !this.#stations.has(keyOf(vpc, mac))) this.#want(vpc, mac, undefined, 'macs')
  }

  /** DNS looks for a name, or for that of an address. It sees in its zone what has come. */
  #wantName(vpc: string, { name, target }: MissEvent): void {
    if (target !== null && !this.#stations.has(keyOf(vpc, target))) this.#want(vpc, target, undefined)
    const host = name === undefined ? undefined : hostNameIn(name, domainsOf(this.#options.items, vpc))
    if (host !== undefined) this.#want(vpc, host, undefined, 'names')
  }

  #want(vpc: string, address: string, question: MissEvent | undefined, what: keyof Waiting = 'addresses'): void {
    const key = keyOf(vpc, address)
    const now = this.#options.clock.elapsed()
    const before = this.#asked.get(key)
    if (before !== undefined && now - before.at < againMs)
      return void this.#asked.set(key, { at: before.at, question: question ?? before.question })
    if (!this.#mayAsk(vpc, now)) return
    this.#asked.delete(key)
    this.#asked.set(key, { at: now, question })
    const waiting = this.#waiting.get(vpc)
    const wanted = waiting ?? { addresses: new Set(), names: new Set(), macs: new Set() }
    wanted[what].add(address)
    this.#waiting.set(vpc, wanted)
    this.#timer ??= setTimeout(() => this.#ask(), gatherMs)
  }

  /** Also forgets questions that are old, so that a guest who scans its network fills no memory. */
  #mayAsk(vpc: string, now: number): boolean {
    if (!this.#budget.take(vpc, now)) return false
    for (const [key, { at }] of this.#asked) {
      if (now - at < againMs) break
      this.#asked.delete(key)
    }
    return true
  }

  #ask(): void {
    this.#timer = undefined
    for (const [vpc, { addresses, names, macs }] of this.#waiting) {
      for (let i = 0; i < Math.max(addresses.size, names.size, macs.size); i += mostAddresses) {
        const [some, named, by] = [addresses, names, macs].map((each) => [...each].slice(i, i + mostAddresses)) as [
          string[],
          string[],
          string[],
        ]
        void this.#post({ vpc, addresses: some, ...(named.length > 0 && { names: named }), ...(by.length > 0 && { macs: by }) })
      }
    }
    this.#waiting.clear()
  }

  async #post(lookup: Lookup): Promise<void> {
    const { vpc, addresses, names = [], macs = [] } = lookup
    try {
      await this.#options.post(lookup)
    } catch (error) {
      // The guests ask again.
      for (const each of [...addresses, ...names, ...macs]) this.#asked.delete(keyOf(vpc, each))
      this.#options.log.debug('cannot ask for stations', { vpc, error: (error as Error).message })
    }
  }

  async #answer({ mac, vpc }: StationItem, question: MissEvent): Promise<void> {
    const frame = answerFrame(question, mac)
    const { portId } = question
    if (frame === undefined || portId === null) return
    // The port may be gone; the table answers the next question.
    await this.#options.guests.answer(switchId(vpc), portId, frame).catch(() => {})
  }
}

const keyOf = (vpc: string, address: string): string => `${vpc} ${address}`

/** Domains of the subnets of a vpc. */
const domainsOf = (items: Items, vpc: string): string[] => {
  const known = items.get('vpc', vpc)
  if (known === undefined) return []
  const subnets = [...items.of('subnet')].filter((subnet) => subnet.vpc === vpc)
  return [...new Set(subnets.map((subnet) => domainOf(subnet, known) ?? defaultDomain))]
}

/** The host name that a station has, of a name in one of the domains; undefined: it is in none. */
function hostNameIn(name: string, domains: readonly string[]): string | undefined {
  const domain = domains.find((each) => name.endsWith(`.${each.toLowerCase()}`))
  return domain && name.slice(0, -domain.length - 1)
}
