/** Vnics that a DEL could not remove: a file for each, which `finish` and GC read. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '#system/whole-file.ts'

const directoryOf = (stateDir: string, network: string): string => join(stateDir, 'unfinished', network)

/** Note a vnic. */
export function note(stateDir: string, network: string, vnic: string): void {
  writeWhole(join(directoryOf(stateDir, network), vnic), '', { mode: 0o600, isNew: false })
}

/** It is gone, or in use again. */
export const forget = (stateDir: string, network: string, vnic: string): void =>
  rmSync(join(directoryOf(stateDir, network), vnic), { force: true })

/** Whether it still is noted. */
export const isNoted = (stateDir: string, network: string, vnic: string): boolean => existsSync(join(directoryOf(stateDir, network), vnic))

/** The networks that have notes, or had some. */
export const notedNetworks = (stateDir: string): readonly string[] => namesIn(directoryOf(stateDir, '.'))

/** The names that are noted for a network. */
export const noted = (stateDir: string, network: string): readonly string[] => namesIn(directoryOf(stateDir, network))

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
