/** What `vpc agent status` shows: a file that the agent writes when something changes. */
import { join } from 'node:path'
import type { ItemError } from '#feed/message.ts'
import type { Log } from '#system/log.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { readIfThere, replaceFile } from '#system/whole-file.ts'

/** Runs that had vpcd do what the feed says. */
export interface RunCounts {
  readonly all: number
  /** As a whole: an item that fails does not count. */
  readonly failed: number
  readonly seconds: number
}

export interface AgentStatus {
  /** Identifies the process that wrote it. */
  readonly process: ProcessMark | null
  readonly server: string
  readonly host: string | null
  /** Since when the feed is open, and why it is not. */
  readonly connected: { readonly since: string } | { readonly since: string; readonly trouble: string }
  /** What the feed has said up to here. */
  readonly revision: string | null
  /** What this host does. */
  readonly applied: string | null
  /** Whether this host has done all that the feed said since the agent began: before, vpcd has what it had then. */
  readonly follows: boolean
  readonly items: number
  readonly errors: readonly ItemError[]
  /** Since when something waits that this host does not do yet; null: nothing does. */
  readonly waitingSince: string | null
  /** Since the agent began. */
  readonly runs: RunCounts
  readonly cache: { readonly path: string; readonly trouble: string | null }
}

const fileIn = (stateDir: string): string => join(stateDir, 'status.json')

/** Write it whole: whoever reads it sees this one or the one before. */
export function writeStatus(stateDir: string, status: AgentStatus): void {
  replaceFile(fileIn(stateDir), `${JSON.stringify(status)}\n`, 0o644)
}

/** A host that changes all the time writes the file ten times a second at most. */
const spacingMs = 100

/** Keeps the file of an agent. */
export class StatusFile {
  readonly #stateDir: string
  readonly #make: () => AgentStatus
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #isStale = false

  constructor(stateDir: string, make: () => AgentStatus, log: Log) {
    this.#stateDir = stateDir
    this.#make = make
    this.#log = log
  }

  /** The status has changed: write it at once, or as soon as the last time is long enough ago. */
  touch(): void {
    this.#isStale = true
    if (this.#timer !== undefined) return
    this.flush()
    this.#timer = setTimeout(() => this.#spaced(), spacingMs)
  }

  #spaced(): void {
    this.#timer = undefined
    if (this.#isStale) this.touch()
  }

  /** Write it now, if it has changed. */
  flush(): void {
    if (!this.#isStale) return
    this.#isStale = false
    try {
      writeStatus(this.#stateDir, this.#make())
    } catch (error) {
      this.#log.debug('cannot write the status', { error: (error as Error).message })
    }
  }

  /** Write the last one. */
  close(): void {
    clearTimeout(this.#timer)
    this.flush()
  }
}

/** The status of the agent that runs with this directory; undefined: none does. */
export function readStatus(stateDir: string): AgentStatus | undefined {
  const text = readIfThere(fileIn(stateDir))
  if (text === undefined) return undefined
  const status = JSON.parse(text) as AgentStatus
  return isRunning(status.process) ? status : undefined
}
