/** What a flow log has counted when it ends, for the next one: a restart loses no packets and counts none twice. */
import { readFileSync, rmSync } from 'node:fs'
import { replaceFile } from '#system/whole-file.ts'

/** What records have had of a flow: packets and bytes in and out. */
export type Told = readonly [packetsIn: number, bytesIn: number, packetsOut: number, bytesOut: number]

export interface Checkpoint {
  readonly version: 1
  /** When it was made, in ms. */
  readonly atMs: number
  /** By the ends of a flow: when it began, and until when it was told, in ms. */
  readonly flows: readonly (readonly [key: string, createdMs: number, toldMs: number, told: Told])[]
}

/** Leave it for the next flow log. */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  replaceFile(path, JSON.stringify(checkpoint), 0o600)
}

/**
 * Take the one that a flow log has left; undefined: there is none. It counts once: after a crash it would be old, and
 * packets would count twice.
 */
export function takeCheckpoint(path: string): Checkpoint | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  rmSync(path)
  try {
    const found = JSON.parse(text) as Checkpoint
    return found.version === 1 && Array.isArray(found.flows) ? found : undefined
  } catch {
    return undefined
  }
}
