/**
 * Public ports of source NAT come back every ten seconds, a NAT at a time. Before that, vpcd logs which blocks of ports
 * addresses have got, and which have come back (RFC 7422). Only vpcd takes blocks back, so the log misses none: what
 * guests got while vpcd was away is in the tables still.
 */
import { natBlock, natFirstPort, natGuestBlocks, natPlanes } from '#datapath/nat-cell-layout.ts'
import type { NatGuest } from '#datapath/nat-cells.ts'
import { formatIp, fromMapped, type Ip } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import type { Context } from '../context.ts'
import { unitName, type Nat } from '../store/model.ts'
import { Sweep } from './sweep.ts'

/** Part of its ports that a guest uses when vpcd says so. */
const low = 0.8

/** The public ports of a block. */
export const portsOfBlock = (block: number): readonly [first: number, last: number] => [
  natFirstPort + block * natBlock,
  natFirstPort + (block + 1) * natBlock - 1,
]

export class ExpireNat {
  readonly #context: Context
  readonly #sweep: Sweep<Nat>
  /** What is logged, by NAT: `10.0.0.5 203.0.113.9 1024-1087`. */
  readonly #logged = new Map<string, Set<string>>()
  readonly #low = new Set<string>()

  constructor(context: Context) {
    this.#context = context
    const sharing = (): Nat[] => [...context.model.ofType('vpcnat')].filter(({ shared, ethlink }) => shared.length > 0 && ethlink !== null)
    this.#sweep = new Sweep(sharing, (nat) => this.#expire(nat))
  }

  stop(): void {
    this.#sweep.stop()
  }

  /** Look at all NATs now. */
  sweep(): void {
    this.#sweep.begin()
  }

  #expire(nat: Nat): boolean {
    const { datapath, log } = this.#context
    try {
      const guests = datapath.tables.natCells.guests(nat.source)
      this.#logBlocks(nat, guests)
      this.#logLow(nat, guests)
      datapath.expireNat(nat.source)
      return true
    } catch (error) {
      log.error('could not take public ports back', { nat: unitName(nat), error: String(error) })
      return false
    }
  }

  #logBlocks(nat: Nat, guests: readonly NatGuest[]): void {
    const { log } = this.#context
    const now = new Set(guests.flatMap((guest) => guest.blocks.map((block) => blockText(nat, guest, block))))
    const before = this.#logged.get(nat.id) ?? new Set()
    for (const text of now) if (!before.has(text)) log.info('NAT block assigned', { nat: unitName(nat), ...fieldsOf(text) })
    for (const text of before) if (!now.has(text)) log.info('NAT block released', { nat: unitName(nat), ...fieldsOf(text) })
    this.#logged.set(nat.id, now)
  }

  /** Once when a guest has used most of all that it can get, until it uses less. */
  #logLow(nat: Nat, guests: readonly NatGuest[]): void {
    const { natCells } = this.#context.datapath.tables
    for (const guest of guests) {
      const { inside, blocks } = guest
      const key = `${nat.id} ${Buffer.from(inside).toString('hex')}`
      const much = blocks.length * natBlock * low
      const isMuch = blocks.length === natGuestBlocks && guest.used.some((each) => each >= much)
      // Ports of ended connections are no sign that there are too few.
      const used = isMuch ? guest.used.map((each, plane) => (natPlanes[plane] === 'tcp' ? each - natCells.over(guest) : each)) : []
      const most = Math.max(0, ...used)
      const is = isMuch && most >= much
      if (is && !this.#low.has(key))
        this.#context.log.warn('nat_low: a guest has used most of its public ports', {
          nat: unitName(nat),
          inside: ipText(inside),
          protocol: natPlanes[used.indexOf(most)],
          used: most,
          ports: blocks.length * natBlock,
        })
      if (is) this.#low.add(key)
      else this.#low.delete(key)
    }
  }
}

const ipOf = (mapped: Uint8Array): Ip => fromMapped(asIpv6(mapped.slice()))
const ipText = (mapped: Uint8Array): string => formatIp(ipOf(mapped))

function blockText(nat: Nat, { inside, address }: NatGuest, block: number): string {
  const shared = nat.shared[address]
  return `${ipText(inside)} ${shared === undefined ? 'none' : ipText(shared)} ${portsOfBlock(block).join('-')}`
}

function fieldsOf(text: string): { readonly inside: string; readonly address: string; readonly ports: string } {
  const [inside, address, ports] = text.split(' ') as [string, string, string]
  return { inside, address, ports }
}
