/**
 * Which objects of a host stand for what of the cloud: a file that the agent keeps, so that commands of the host can
 * say names. It has ids alone; names are the API's, for those who may see them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FlowLogSpec } from './item.ts'
import { replaceFile } from '#system/whole-file.ts'

/** A thing of the cloud. */
export interface CloudThing {
  readonly kind: string
  readonly id: string
  /** Of a vnic: its vpc, and who has its flows written. */
  readonly vpc?: string
  readonly flowLogs?: readonly FlowLogSpec[]
}

/** By the id of the host's object. */
export type HostObjects = Readonly<Record<string, CloudThing>>

const fileIn = (stateDir: string): string => join(stateDir, 'objects.json')

/** Write it whole: whoever reads it sees this one or the one before. */
export function writeObjects(stateDir: string, objects: HostObjects): void {
  replaceFile(fileIn(stateDir), `${JSON.stringify(objects)}\n`, 0o644)
}

/** What an agent with this directory has written; nothing when none has, or when it cannot be read. */
export function readObjects(stateDir: string): HostObjects {
  try {
    return JSON.parse(readFileSync(fileIn(stateDir), 'utf8')) as HostObjects
  } catch {
    return {}
  }
}
