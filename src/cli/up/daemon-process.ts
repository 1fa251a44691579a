/** The daemons that `vpc up` starts: in the background, with a log each, and found again by pid and start time. */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInBackground, vpcProgram } from '#system/background.ts'
import { isRunning, signalProcess, type ProcessMark } from '#system/process-mark.ts'
import { Failure } from '../failure.ts'
import type { DaemonName, Places } from './places.ts'

/** Enough for an emulated processor on a busy machine; a daemon that ends is noticed at once. */
const readyMs = 120_000
/** A daemon that does not end in this time is killed. */
const endMs = 15_000

export const logOf = ({ logDir }: Places, name: DaemonName): string => join(logDir, `${name}.log`)

export interface DaemonStart {
  readonly name: DaemonName
  readonly words: readonly string[]
  /** Run as this user and group; undefined: as the caller. */
  readonly uid?: number | undefined
}

export interface StartedDaemon {
  readonly name: DaemonName
  readonly mark: ProcessMark
  /** Bytes of its log that are of earlier runs. */
  readonly logBefore: number
}

/** Start one. It may not be ready yet. */
export async function startDaemon(places: Places, { name, words, uid }: DaemonStart): Promise<StartedDaemon> {
  mkdirSync(places.logDir, { recursive: true, mode: 0o755 })
  const log = openSync(logOf(places, name), 'a', 0o640)
  try {
    const logBefore = fstatSync(log).size
    const mark = await startInBackground([...vpcProgram, ...words], log, uid)
    if (mark === undefined) throw ended(places, name, logBefore)
    return { name, mark, logBefore }
  } finally {
    closeSync(log)
  }
}

/** Wait until it is ready. Throws a Failure with its last words when it ends before. */
export async function untilReady(places: Places, started: StartedDaemon, isReady: () => Promise<boolean>): Promise<void> {
  const { name, mark, logBefore } = started
  for (const end = performance.now() + readyMs; ; await sleep(50)) {
    if (await isReady()) return
    if (!isRunning(mark)) throw ended(places, name, logBefore)
    if (performance.now() > end)
      throw new Failure('failed', `${name} is not ready after ${readyMs / 1000} s; its log is ${logOf(places, name)}`)
  }
}

function ended(places: Places, name: DaemonName, logBefore: number): Failure {
  const path = logOf(places, name)
  let tail = ''
  try {
    tail = readFileSync(path).subarray(logBefore).toString().trimEnd().split('\n').slice(-3).join('\n')
  } catch {
    // It said nothing.
  }
  return new Failure('failed', `${name} ended at once${tail === '' ? '' : `; it said:\n${tail}`}\nits log is ${path}`)
}

/** Stop exactly this process: politely, then by force. */
export async function stopDaemon(mark: ProcessMark | undefined): Promise<boolean> {
  if (mark === undefined || !signalProcess(mark, 'SIGTERM')) return false
  for (const end = performance.now() + endMs; isRunning(mark); await sleep(20)) if (performance.now() > end) signalProcess(mark, 'SIGKILL')
  return true
}

/** Run a command of vpc to its end. Throws a Failure with what it said. */
export async function runVpc(words: readonly string[]): Promise<void> {
  const child = spawn(vpcProgram[0], [vpcProgram[1], ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  if ((await promise) !== 0) throw new Failure('failed', said.trim().replace(/^vpc: /, ''))
}
