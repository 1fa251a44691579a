/** The steps of a packet so far: what they depend on, and what stopped it. */
import type { ObjectRecord } from '../model/record.ts'
import type { ObstacleCode, Stage, Step, Way } from './answer.ts'
import type { Names } from './names.ts'

/** What stopped a packet. */
export interface Stop {
  readonly step: number
  readonly code: ObstacleCode
  readonly text: string
  readonly record: ObjectRecord | undefined
  readonly command: string | undefined
}

export class Trail {
  readonly steps: Step[] = []
  /** Everything that the answer depends on. */
  readonly uses = new Set<ObjectRecord>()
  /** Hosts on the way besides those of the two ends. */
  readonly wires = new Set<string>()
  stopped: Stop | undefined
  /** The vnic whose groups stopped it. */
  refusing: ObjectRecord | undefined
  readonly names: Names

  constructor(names: Names) {
    this.names = names
  }

  /** Note a step that lets the packet pass; null: it is said for information. */
  pass(way: Way, stage: Stage, text: string, record?: ObjectRecord, ok: true | null = true): void {
    this.use(record)
    this.steps.push({ way, stage, ok, text, thing: this.names.thing(record) })
  }

  /** Note what stops the packet. Gives undefined, as there is no way on. */
  stop(way: Way, stage: Stage, code: ObstacleCode, text: string, record?: ObjectRecord, command?: string): undefined {
    this.use(record)
    this.stopped = { step: this.steps.length, code, text, record, command }
    this.steps.push({ way, stage, ok: false, text, thing: this.names.thing(record) })
    return undefined
  }

  /** Say more of what has stopped the packet. */
  explain(more: string): void {
    const { step, text } = this.stopped!
    const longer = `${text}; ${more}`
    this.stopped = { ...this.stopped!, text: longer }
    this.steps[step] = { ...this.steps[step]!, text: longer }
  }

  /** Note that the answer depends on something. */
  use(...records: readonly (ObjectRecord | undefined)[]): void {
    for (const record of records) if (record !== undefined) this.uses.add(record)
  }
}
