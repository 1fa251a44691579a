/**
 * Makes records of flows, from what the table of flows has every few seconds. A flow stays in the table for ten seconds
 * after its last packet at least, so who looks more often sees each flow with its last counts.
 */
import type { FlowInfo } from '#abi/info.ts'
import type { Checkpoint, Told } from './checkpoint.ts'
import { emptyRecord, isSampled, type FlowRecord } from './record.ts'

export interface TrackerOptions {
  /** A flow without a packet for so long is written. Its next packets make a further record. */
  readonly idleMs: number
  /** A flow that goes on is written so often. */
  readonly activeMs: number
  readonly sample: number
  /** What the flow log before this one has counted. */
  readonly checkpoint?: Checkpoint | undefined
}

interface Tracked {
  info: FlowInfo
  /** When it began, in ms, good to a second. */
  readonly createdMs: number
  lastMs: number
  /** What records have had of it. */
  told: Counts
  toldMs: number
  /** It is over, and was written. */
  isOver: boolean
}

type Counts = Pick<FlowInfo, 'packetsIn' | 'bytesIn' | 'packetsOut' | 'bytesOut'>

/** Flows that are remembered, so that no packet of them counts twice. */
const mostTracked = 262_144
/** Two looks may differ by so much about when a flow began. */
const slackMs = 2_500
/** A connection that is over is written when it had no packet for so long: answers to its end have come. */
const settledSeconds = 2

export class FlowTracker {
  readonly #options: TrackerOptions
  readonly #flows = new Map<string, Tracked>()
  #hasLooked = false
  readonly #before: ReadonlyMap<string, Checkpoint['flows'][number]>
  /** Flows that were forgotten, because there were too many: their next record counts all of their packets. */
  forgotten = 0

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#before = new Map(options.checkpoint?.flows.map((flow) => [flow[0], flow]))
  }

  /**
   * Take a look at the table. Flows that were there at the first look count from then on, but for those that a flow log
   * before has counted, and those that began since.
   */
  take(flows: readonly FlowInfo[], nowMs: number): FlowRecord[] {
    const records: FlowRecord[] = []
    for (const info of flows) {
      const key = keyOf(info)
      if (isSampled(key, this.#options.sample)) this.#note(key, info, nowMs, records)
    }
    this.#hasLooked = true
    for (const [key, flow] of this.#flows) this.#write(key, flow, nowMs, records)
    return records
  }

  /** Write what is not written: the log ends. */
  end(): FlowRecord[] {
    return [...this.#flows.values()].flatMap((flow) => this.#recordOf(flow, isEnded(flow.info) ? 'end' : 'continues'))
  }

  #note(key: string, info: FlowInfo, nowMs: number, records: FlowRecord[]): void {
    const createdMs = nowMs - info.ageSeconds * 1000
    const lastMs = nowMs - info.idleSeconds * 1000
    const known = this.#flows.get(key)
    if (known !== undefined && !isAnother(known, info, createdMs)) {
      if (total(info) > total(known.info)) known.lastMs = lastMs
      known.info = info
      return
    }
    // Another flow of the same ends: the first one was over.
    if (known !== undefined) records.push(...this.#recordOf(known, 'end'))
    this.#flows.delete(key)
    const { told, toldMs } = this.#toldBefore(key, info, createdMs, nowMs)
    this.#flows.set(key, { info, createdMs, lastMs, told, toldMs, isOver: false })
    if (this.#flows.size <= mostTracked) return
    const [oldest] = this.#flows.keys()
    this.#flows.delete(oldest!)
    this.forgotten++
  }

  #toldBefore(key: string, info: FlowInfo, createdMs: number, nowMs: number): Pick<Tracked, 'told' | 'toldMs'> {
    if (this.#hasLooked) return { told: nothing, toldMs: nowMs }
    const [, began = -Infinity, toldMs = nowMs, counts = [0, 0, 0, 0]] = this.#before.get(key) ?? []
    const told = countsOf(counts)
    const isSame = Math.abs(createdMs - began) <= slackMs && told.packetsIn <= info.packetsIn && told.packetsOut <= info.packetsOut
    if (isSame) return { told: total(told) === 0 ? nothing : told, toldMs }
    const { checkpoint } = this.#options
    const isNew = checkpoint !== undefined && createdMs > checkpoint.atMs - slackMs
    return { told: isNew ? nothing : info, toldMs: nowMs }
  }

  /** What the next flow log must know. Call it after `end`. */
  checkpoint(nowMs: number): Checkpoint {
    const flows = [...this.#flows].map(([key, { info, createdMs, told, toldMs }]) => {
      // The next record begins where the last one ended.
      return [key, createdMs, told === info ? nowMs : toldMs, toldOf(told)] as const
    })
    return { version: 1, atMs: nowMs, flows }
  }

  #write(key: string, flow: Tracked, nowMs: number, records: FlowRecord[]): void {
    const { idleMs, activeMs } = this.#options
    const { info, lastMs } = flow
    if (total(info) > total(flow.told)) {
      const isOver = isEnded(info) && nowMs - lastMs >= settledSeconds * 1000
      if (isOver || nowMs - lastMs >= idleMs) {
        records.push(...this.#recordOf(flow, 'end'))
        flow.isOver = isOver
      } else if (nowMs - flow.toldMs >= activeMs) records.push(...this.#recordOf(flow, 'continues'))
      if (flow.told === info) flow.toldMs = nowMs
    }
    // The table has forgotten it by now.
    if ((flow.isOver && nowMs - lastMs > 60_000) || nowMs - lastMs > longestIdleMs) this.#flows.delete(key)
  }

  #recordOf(flow: Tracked, event: 'end' | 'continues'): FlowRecord[] {
    const { info, told, createdMs, lastMs, toldMs } = flow
    if (total(info) === total(told)) return []
    flow.told = info
    const [ahead, back] = info.begun === 'in' ? (['In', 'Out'] as const) : (['Out', 'In'] as const)
    const since = <K extends keyof Counts>(name: K): number => info[name] - told[name]
    const [source, destination] = info.begun === 'in' ? (['outside', 'inside'] as const) : (['inside', 'outside'] as const)
    const record: FlowRecord = {
      ...emptyRecord,
      event,
      verdict: 'accepted',
      start: new Date(told === nothing ? createdMs : toldMs).toISOString(),
      end: new Date(Math.max(lastMs, createdMs)).toISOString(),
      port: info.port,
      direction: info.begun,
      protocol: info.protocol,
      source: info[source],
      sourcePort: info[`${source}Port`],
      destination: info[destination],
      destinationPort: info[`${destination}Port`],
      packets: since(`packets${ahead}`),
      bytes: since(`bytes${ahead}`),
      packetsBack: since(`packets${back}`),
      bytesBack: since(`bytes${back}`),
      rule: info.rule,
      sample: this.#options.sample,
    }
    return [record]
  }
}

/** Longer than any flow stays in the table without a packet. */
const longestIdleMs = 6 * 86_400_000
const nothing: Counts = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 }
const total = ({ packetsIn, packetsOut }: Counts): number => packetsIn + packetsOut

const toldOf = ({ packetsIn, bytesIn, packetsOut, bytesOut }: Counts): Told => [packetsIn, bytesIn, packetsOut, bytesOut]
const countsOf = ([packetsIn, bytesIn, packetsOut, bytesOut]: Told): Counts => ({ packetsIn, bytesIn, packetsOut, bytesOut })

const isEnded = ({ state }: FlowInfo): boolean => state === 'closing' || state === 'denied'

const keyOf = ({ port, protocol, inside, insidePort, outside, outsidePort }: FlowInfo): string =>
  `${port} ${protocol} ${inside} ${insidePort} ${outside} ${outsidePort}`

const isAnother = (known: Tracked, info: FlowInfo, createdMs: number): boolean =>
  createdMs > known.createdMs + slackMs || info.packetsIn < known.info.packetsIn || info.packetsOut < known.info.packetsOut
