/** What a lab leaves on disk while it is up or half up: enough to find it, to enter it and to take it down. */
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from './lab-error.ts'
import { labDirectory, labsDirectory } from './names.ts'
import type { ProcessMark } from '#system/process-mark.ts'

/** Something that can be entered. */
export interface LabMember {
  readonly name: string
  readonly kind: 'underlay' | 'host' | 'guest' | 'wire'
  readonly netns: string
  /** A guest's host and subnet. */
  readonly host?: string
  readonly subnet?: string
  /** A host's vpcd. */
  readonly socket?: string
}

export interface LabState {
  readonly name: string
  /** Absolute path of the lab file. */
  readonly file: string
  /** A digest of the plan: `up` of the same plan finds the same lab. */
  readonly digest: string
  /** ISO 8601. */
  readonly since: string
  readonly phase: 'starting' | 'up'
  /** The `vpc lab up` that works on it while the phase is 'starting'. */
  readonly owner: ProcessMark
  readonly members: readonly LabMember[]
  /** By host. */
  readonly daemons: Readonly<Record<string, ProcessMark>>
}

const stateFile = (directory: string): string => join(directory, 'lab.json')
const format = (state: LabState): string => `${JSON.stringify(state, null, 2)}\n`

/** Begin a lab and take its name. False when another lab has the name. */
export async function claimLab(state: LabState): Promise<boolean> {
  await mkdir(labsDirectory, { recursive: true, mode: 0o700 })
  // The directory is complete before it gets its name. A rename never replaces a directory that holds something.
  const draft = join(labsDirectory, `.${state.name}.${process.pid}`)
  await mkdir(draft, { mode: 0o700 })
  try {
    await writeFile(stateFile(draft), format(state))
    await rename(draft, labDirectory(state.name))
    return true
  } catch (error) {
    await rm(draft, { recursive: true })
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

/** Replace the record of a lab in one step. */
export async function writeState(state: LabState): Promise<void> {
  const path = stateFile(labDirectory(state.name))
  await writeFile(`${path}.new`, format(state))
  await rename(`${path}.new`, path)
}

/** The state of a lab. Undefined when there is no such lab. */
export async function readState(name: string): Promise<LabState | undefined> {
  try {
    return JSON.parse(await readFile(stateFile(labDirectory(name)), 'utf8')) as LabState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LabError(`cannot read ${stateFile(labDirectory(name))}: ${(error as Error).message}`, { cause: error })
  }
}

/** The names of all labs, up or half up. */
export async function labNames(): Promise<string[]> {
  try {
    return (await readdir(labsDirectory)).filter((name) => !name.startsWith('.')).toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw new LabError("labs are root's alone; run this as root", { cause: error })
    throw error
  }
}

/** Delete the record of a lab. The directory of all labs goes with the last one. */
export async function removeState(name: string): Promise<void> {
  await rm(labDirectory(name), { recursive: true, force: true })
  await removeEmpty(labsDirectory)
}

async function removeEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error
  })
}
