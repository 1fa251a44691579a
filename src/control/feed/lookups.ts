/**
 * Answers hosts that ask where an address or a MAC of a large vpc is. Who asks hears what becomes of the station from
 * then on. A host may ask about vpcs that concern it alone, and not so often that it could try all addresses unseen.
 */
import type { Lookup } from '#feed/message.ts'
import { ipFrom, parseIp } from '#wire/ip-address.ts'
import { formatMac, macFrom, parseMac } from '#wire/mac.ts'
import type { Mirror } from '../model/mirror.ts'
import { addressKey, macKey } from '../model/keys.ts'
import { Problem } from '../model/problem.ts'
import type { Feeds } from './feeds.ts'

const mostAddresses = 256
const mostVnics = 4_096
const perSecond = 200
const burst = 2_000

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Check what a host sent. */
export function parseLookup(body: unknown): Required<Lookup> {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Partial<Record<keyof Lookup, unknown>>
  const { vpc, addresses, names = [], macs = [], vnics = [] } = given
  const isList = (value: unknown, max: number, test: (text: string) => boolean): value is string[] =>
    Array.isArray(value) && value.length <= max && value.every((each) => typeof each === 'string' && test(each))
  if (typeof vpc !== 'string' || !uuid.test(vpc)) throw new Problem('invalid', 'vpc: give the id of a vpc')
  if (!isList(addresses, mostAddresses, (text) => parseIp(text).ok))
    throw new Problem('invalid', `addresses: give a list of ${mostAddresses} addresses at most`)
  if (!isList(names, mostAddresses, (text) => text.length <= 255))
    throw new Problem('invalid', `names: give a list of ${mostAddresses} names at most`)
  if (!isList(macs, mostAddresses, (text) => parseMac(text).ok))
    throw new Problem('invalid', `macs: give a list of ${mostAddresses} MAC addresses at most`)
  if (!isList(vnics, mostVnics, (text) => uuid.test(text))) throw new Problem('invalid', `vnics: give a list of ${mostVnics} ids at most`)
  return { vpc, addresses, names, macs, vnics }
}

export class Lookups {
  readonly #feeds: Feeds
  readonly #mirror: Mirror
  readonly #now: () => number
  readonly #levels = new Map<string, { level: number; at: number }>()
  /** Addresses that were asked for. */
  count = 0

  constructor(feeds: Feeds, mirror: Mirror, now: () => number = Date.now) {
    this.#feeds = feeds
    this.#mirror = mirror
    this.#now = now
  }

  /** Answer, by the feed of the host. Throws a Problem. */
  ask(host: string, { vpc, addresses, names = [], macs = [], vnics = [] }: Lookup): void {
    if (!this.#feeds.topicsOf(host).has(`vpc/${vpc}`)) throw new Problem('not-found', `no vnic of this host has to do with vpc ${vpc}`)
    const count = addresses.length + names.length + macs.length
    this.#spend(host, count)
    this.count += count
    for (const vnic of vnics) if (this.#vpcOf(vnic) === vpc) this.#feeds.ask(host, vpc, vnic)
    for (const name of names) for (const vnic of this.#feeds.named(vpc, name)) this.#feeds.ask(host, vpc, vnic)
    for (const mac of macs) {
      const vnic = this.#withMac(vpc, formatMac(macFrom(mac)))
      if (vnic !== undefined) this.#feeds.ask(host, vpc, vnic)
    }
    for (const address of addresses) {
      const vnic = this.#holder(vpc, address)
      if (vnic === undefined) this.#feeds.nobody(host, vpc, address)
      else this.#feeds.ask(host, vpc, vnic)
    }
  }

  /** The vnic that has an address, if it is plugged in. */
  #holder(vpc: string, address: string): string | undefined {
    const held = this.#mirror.claim(addressKey(vpc, ipFrom(address)))?.value
    const vnic = held?.kind === 'vnic' ? this.#mirror.objects.get('vnic', held.id!) : undefined
    return vnic?.record.binding === undefined ? undefined : held!.id
  }

  /** The vnic of a vpc that has a MAC, if it is plugged in. */
  #withMac(vpc: string, mac: string): string | undefined {
    const account = this.#mirror.objects.get('vpc', vpc)?.record.account ?? null
    const held = account === null ? undefined : this.#mirror.claim(macKey(account, mac))?.value
    const vnic = held?.kind === 'vnic' ? this.#mirror.objects.get('vnic', held.id!)?.record : undefined
    return vnic?.vpc === vpc && vnic.binding !== undefined ? vnic.id : undefined
  }

  #vpcOf = (vnic: string): string | null | undefined => this.#mirror.objects.get('vnic', vnic)?.record.vpc

  #spend(host: string, count: number): void {
    const now = this.#now()
    const { level, at } = this.#levels.get(host) ?? { level: burst, at: now }
    const filled = Math.min(burst, level + (Math.max(0, now - at) / 1_000) * perSecond)
    if (filled < count) {
      // A clock that is set back must not keep it waiting until it is as late again.
      this.#levels.set(host, { level: filled, at: now })
      const retryAfter = Math.max(1, Math.ceil((count - filled) / perSecond))
      throw new Problem('rate-limited', `this host asks for more than ${perSecond} addresses a second`, { retryAfter })
    }
    this.#levels.set(host, { level: filled - count, at: now })
  }
}
