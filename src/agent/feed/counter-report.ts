/** Tells the API what the vnics of this host have counted, and which packets were dropped lately. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { DropEvent } from '#abi/info.ts'
import {
  mostBlocks,
  mostCounters,
  mostDrops,
  mostNats,
  type CountersAnswer,
  type HostCounters,
  type NatCounters,
  type RefusedBlocks,
  type SeenDrop,
  type VnicCounters,
} from '#feed/counters.ts'
import type { Log } from '#system/log.ts'
import { summarize } from '#wire/summary.ts'
import type { Traffic } from '../apply/host-half.ts'
import { natId, portId } from '../compile/ids.ts'
import type { ItemStore } from '../compile/items.ts'

export interface CounterReportOptions {
  readonly items: ItemStore
  readonly traffic: Traffic
  readonly everyMs: number
  readonly log: Log
  /** Gives what the API says to it, if it says anything. */
  post(counters: HostCounters, signal: AbortSignal): Promise<CountersAnswer | undefined | void>
}

interface Told {
  readonly vnics: Map<string, VnicCounters>
  readonly nats: Map<string, NatCounters>
  /** Lines of each NAT, as one text. */
  readonly blocks: ReadonlyMap<string, string>
}

/** Characters of blocks in one message at most: the API refuses messages of more than 4 MiB. */
const mostBlockText = 1 << 20
/** Longer lists are told less often, since the store keeps each for hours: so long for a character more than this. */
const shortText = 5_000
const msOfCharacter = 2

/** Why an API does not keep blocks and may do so later. */
const mayEnd = {
  elsewhere: 'another host has the wire of the pool',
  'store-away': 'its store does not answer',
}
const reasons: Readonly<Record<RefusedBlocks['code'], string>> = {
  ...mayEnd,
  unreadable: 'it cannot read them: vpcd and the API may be of different versions',
  'no-room': 'they are more than its store keeps of a NAT',
}

export class CounterReport {
  readonly #options: CounterReportOptions
  /** What the API has been told. */
  #told: Told = { vnics: new Map(), nats: new Map(), blocks: new Map() }
  #drops: SeenDrop[] = []
  /** The vnic of each unit name of a port. */
  #ports = new Map<string, string>()
  /** The item of each unit name of a NAT. */
  #nats = new Map<string, string>()
  /** Packets since the last message that a NAT had no port for, by item. */
  #exhausted = new Map<string, number>()
  /** What the API does not keep of the blocks of a NAT, by item, as codes. */
  readonly #refused = new Map<string, string>()
  /** When the blocks of a NAT were told. */
  readonly #blocksAt = new Map<string, number>()

  constructor(options: CounterReportOptions) {
    this.#options = options
  }

  /** Tell of all vnics: another API may listen now. */
  again(): void {
    this.#told = { vnics: new Map(), nats: new Map(), blocks: new Map() }
  }

  /** Tell until the signal. vpcd and the API may go and come again. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#repeat(signal, () => this.#tell(signal)), this.#repeat(signal, () => this.#hearDrops(signal))])
  }

  async #repeat(signal: AbortSignal, once: () => Promise<void>): Promise<void> {
    const { everyMs, log } = this.#options
    while (!signal.aborted) {
      await once().catch((error: Error) => log.debug('cannot report the counters of vnics', { error: error.message }))
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const now = await this.#countersNow()
    const changed = [...now.vnics.values()].filter((each) => !isDeepStrictEqual(each, this.#told.vnics.get(each.vnic)))
    const nats = [...now.nats.values()].filter((each) => !isDeepStrictEqual(each, this.#told.nats.get(each.nat))).slice(0, mostNats)
    const exhausted = [...this.#exhausted].slice(0, mostNats).map(([nat, packets]) => ({ nat, packets }))
    const due = this.#dueBlocks(now.blocks)
    const blocks = [...due].map(([nat, text]) => ({ nat, blocks: text === '' ? [] : text.split('\n') }))
    const rest = { drops: this.#drops, nats, exhausted, blocks }
    this.#drops = []
    this.#exhausted.clear()
    const hasRest = Object.values(rest).some(({ length }) => length > 0)
    // One message at least tells the rest.
    const count = hasRest ? Math.max(1, changed.length) : changed.length
    const refused: RefusedBlocks[] = []
    for (let i = 0; i < count; i += mostCounters) {
      const message = { vnics: changed.slice(i, i + mostCounters), ...(i === 0 ? rest : { drops: [] }) }
      refused.push(...((await this.#options.post(message, signal))?.refused ?? []))
    }
    for (const nat of due.keys()) this.#blocksAt.set(nat, performance.now())
    this.#noteRefused([...due.keys()], refused)
    // What may be taken later is told again.
    const again = new Set(refused.filter(({ code }) => code in mayEnd).map(({ nat }) => nat))
    const done = [...this.#told.blocks, ...due].filter(([nat]) => now.blocks.has(nat) && !again.has(nat))
    this.#told = { ...now, blocks: new Map(done) }
  }

  /** Say once what the next host of a wire would not know, and when it would again. */
  #noteRefused(told: readonly string[], refused: readonly RefusedBlocks[]): void {
    for (const nat of told) {
      const codes = refused.filter((each) => each.nat === nat)
      const reason = codes.map(({ code }) => code).join(' ')
      if (reason === (this.#refused.get(nat) ?? '')) continue
      if (reason === '') this.#refused.delete(nat)
      else this.#refused.set(nat, reason)
      for (const { count, code } of codes)
        this.#options.log.warn('the API does not keep who has which public ports: when another host gets the wire, their flows end', {
          nat,
          blocks: count,
          reason: reasons[code],
        })
      if (reason === '') this.#options.log.info('the API keeps who has which public ports again', { nat })
    }
  }

  /** What is new of who has which blocks, as much as a message has room for. The rest is told later. */
  #dueBlocks(now: Told['blocks']): Map<string, string> {
    const due = new Map<string, string>()
    let length = 0
    for (const [nat, text] of now) {
      const waited = performance.now() - (this.#blocksAt.get(nat) ?? -Infinity)
      if (this.#told.blocks.get(nat) === text || waited < (text.length - shortText) * msOfCharacter) continue
      length += text.length
      if (due.size === mostNats || length > mostBlockText) break
      due.set(nat, text)
    }
    return due
  }

  async #countersNow(): Promise<Told> {
    const { items, traffic } = this.#options
    const { stats, usage } = await traffic.read()
    const vnics = new Map([...items.of('vnic')].map(({ id }) => [portId(id), id]))
    const flows = new Map(usage.ports.map((port) => [port.id, port.flows]))
    const nats = new Map([...items.of('nat')].map(({ id }) => [natId(id), id]))
    this.#ports = new Map()
    this.#nats = new Map(stats.flatMap(({ id, unit }) => (nats.has(id) ? [[unit, nats.get(id)!]] : [])))
    const told: Told = { vnics: new Map(), nats: new Map(), blocks: await this.#blocksNow() }
    for (const { id, unit, rxPackets, rxBytes, txPackets, txBytes, drops } of stats) {
      const counts = { rxPackets, rxBytes, txPackets, txBytes, drops }
      const [vnic, nat] = [vnics.get(id), nats.get(id)]
      if (vnic !== undefined) {
        this.#ports.set(unit, vnic)
        told.vnics.set(vnic, { vnic, ...counts, flows: flows.get(id) ?? 0 })
      }
      if (nat !== undefined) told.nats.set(nat, { nat, ...counts })
    }
    return told
  }

  /** Of each NAT whose wire this host has, and that shares addresses. */
  async #blocksNow(): Promise<Map<string, string>> {
    const { items, traffic } = this.#options
    const found = new Map<string, string>()
    for (const { id, wire, shared } of items.of('nat')) {
      if (wire === null || shared.length === 0) continue
      // vpcd may not have it yet.
      const blocks = await traffic.blocks?.(natId(id)).catch(() => undefined)
      const lines = blocks?.map(({ inside, address, firstPort, lastPort }) => `${inside} ${address} ${firstPort}-${lastPort}`)
      if (lines !== undefined) found.set(id, lines.slice(0, mostBlocks).join('\n'))
    }
    return found
  }

  async #hearDrops(signal: AbortSignal): Promise<void> {
    for await (const event of this.#options.traffic.drops(signal)) {
      const nat = event.reason === 'nat_exhausted' ? this.#nats.get(event.nat ?? '') : undefined
      if (nat !== undefined) this.#exhausted.set(nat, (this.#exhausted.get(nat) ?? 0) + 1 + event.lost)
      const vnic = this.#ports.get(event.port ?? '')
      if (vnic === undefined) continue
      this.#drops.push(seen(event, vnic))
      if (this.#drops.length > mostDrops) this.#drops.shift()
    }
  }
}

const seen = ({ time, reason, length, vni, refusal, data }: DropEvent, vnic: string): SeenDrop => ({
  time,
  vnic,
  reason,
  length,
  vni,
  direction: refusal?.direction ?? null,
  peer: refusal?.peer ?? null,
  text: summarize(Buffer.from(data, 'base64'), length).slice(0, 400),
  rule: /\brule ([\da-f-]{36}) /.exec(refusal?.rule ?? '')?.[1] ?? null,
})
