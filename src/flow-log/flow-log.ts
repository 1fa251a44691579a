/** `vpc flow log`: asks vpcd for flows every few seconds, hears of refused packets, and writes records. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'
import type { FlowLogSpec } from '#feed/item.ts'
import { readObjects } from '#feed/objects-file.ts'
import type { Log } from '#system/log.ts'
import { takeCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { Denials } from './denials.ts'
import type { FlowRecord } from './record.ts'
import { FlowTracker } from './tracker.ts'

/** vpcd keeps flows for ten seconds after their last packet: two looks may fail before one is missed. */
export const longestIntervalSeconds = 4

export interface FlowLogOptions {
  /** The socket of vpcd. */
  readonly socketPath?: string | undefined
  /** Directory of the agent. */
  readonly stateDir: string
  readonly intervalMs: number
  readonly idleMs: number
  readonly activeMs: number
  readonly sample: number
  readonly accepted: boolean
  readonly denied: boolean
  /** Where the last flow log has left what it counted, and this one does. */
  readonly checkpoint?: string | undefined
  /** Ids of ports, or ids of vnics; empty: all. */
  readonly only: ReadonlySet<string>
  readonly log: Log
  /** `logs`: by port, the flow logs of the cloud that its vnic has. */
  write(records: readonly FlowRecord[], logs: ReadonlyMap<string, readonly FlowLogSpec[]>): void
}

/** Something that goes on until it fails, and says each time that it has begun. */
type Work = (began: () => void) => Promise<void>

export class FlowLog {
  readonly #options: FlowLogOptions
  readonly #vpc: Vpc
  readonly #tracker: FlowTracker
  readonly #denials: Denials
  #lookedMs: number | undefined
  #trouble: string | undefined

  constructor(options: FlowLogOptions) {
    this.#options = options
    this.#vpc = new Vpc({ socketPath: options.socketPath, timeoutMs: 30_000 })
    const { checkpoint } = options
    this.#tracker = new FlowTracker({ ...options, checkpoint: checkpoint === undefined ? undefined : takeCheckpoint(checkpoint) })
    this.#denials = new Denials(options.sample)
  }

  /**
   * Write until the signal. vpcd may go and come again. `begun` is called once the first look has ended and refused
   * packets are heard of, or vpcd cannot be asked: all packets that come from then on are of this log.
   */
  async run(signal: AbortSignal, begun: () => void = () => {}): Promise<void> {
    const { accepted, denied } = this.#options
    const works: Work[] = [(began) => this.#look(signal, began), ...(denied ? [(began: () => void) => this.#hearDrops(signal, began)] : [])]
    const late = new Set(works)
    const note = (work: Work): void => void (late.delete(work) && late.size === 0 && begun())
    await Promise.all(works.map((work) => this.#repeat(signal, work, () => note(work))))
    // While vpcd is away nobody says what ports stand for.
    const last = [...(accepted ? this.#tracker.end() : []), ...this.#denials.flush(Date.now())]
    await this.#write(last)
    if (this.#options.checkpoint !== undefined) writeCheckpoint(this.#options.checkpoint, this.#tracker.checkpoint(Date.now()))
  }

  async #repeat(signal: AbortSignal, work: Work, began: () => void): Promise<void> {
    const { log } = this.#options
    while (!signal.aborted) {
      try {
        await work(began)
      } catch (error) {
        const why = (error as Error).message
        if (why !== this.#trouble && !signal.aborted) log.warn('cannot ask vpcd for flows', { error: why })
        this.#trouble = why
        began()
        await sleep(500, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Ask again and again over one handle, until it fails. */
  async #look(signal: AbortSignal, began: () => void): Promise<void> {
    const { intervalMs, accepted } = this.#options
    await using mgmt = await this.#vpc.mgmt()
    await mgmt.limit({ operations: ['mgmtFlowsActive', 'mgmtHeaders'] })
    while (!signal.aborted) {
      const records = accepted ? await this.#accepted(mgmt) : []
      this.#trouble = undefined
      const all = [...records, ...this.#denials.flush(Date.now())]
      await this.#write(all, mgmt)
      began()
      await sleep(intervalMs, undefined, { signal }).catch(() => {})
    }
    // What passed since the last look, and what goes on.
    const last = accepted ? [...(await this.#accepted(mgmt)), ...this.#tracker.end()] : []
    await this.#write([...last, ...this.#denials.flush(Date.now())], mgmt)
  }

  async #accepted(mgmt: Mgmt): Promise<FlowRecord[]> {
    const now = Date.now()
    const sinceS = this.#lookedMs === undefined ? 0 : Math.ceil((now - this.#lookedMs) / 1000) + 2
    const flows = await mgmt.activeFlows(sinceS)
    this.#lookedMs = now
    return this.#tracker.take(flows, now)
  }

  async #hearDrops(signal: AbortSignal, began: () => void): Promise<void> {
    await using mgmt = await this.#vpc.mgmt()
    await mgmt.limit({ operations: ['mgmtDropsFollow'] })
    for await (const event of mgmt.followDrops(signal, began)) this.#denials.take(event)
  }

  /** Write, with what ports stand for, and without those that nobody asked for. */
  async #write(records: readonly FlowRecord[], mgmt?: Mgmt): Promise<void> {
    const { stateDir, only, write } = this.#options
    if (records.length === 0) return
    if (mgmt === undefined) return void (only.size === 0 && write(records, new Map()))
    const ids = new Map((await mgmt.headers('vpcp')).map(({ unit, id }) => [unit, id]))
    const objects = readObjects(stateDir)
    const logs = new Map([...ids].flatMap(([unit, id]) => (objects[id]?.flowLogs === undefined ? [] : [[unit, objects[id].flowLogs]])))
    const placed = records.flatMap((record) => {
      const id = ids.get(record.port ?? '')
      const vnic = id === undefined ? undefined : objects[id]?.id
      const isWanted = only.size === 0 || (id !== undefined && (only.has(id) || (vnic !== undefined && only.has(vnic))))
      return isWanted ? [{ ...record, vnic: vnic ?? null }] : []
    })
    write(placed, logs)
  }
}
