/** Vnics that a DEL could not remove: a file for each, which `finish` and GC read. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere, writeWhole } from '#system/whole-file.ts'
import type { NetworkConfig } from './invocation.ts'

const directoryOf = (stateDir: string, network: string): string => join(stateDir, 'unfinished', network)

type Cloud = Pick<NetworkConfig, 'context' | 'server' | 'tokenFile'>

/** By what a network reaches its cloud, for people: one that does not may take a vnic for gone that it cannot see. */
export const cloudOf = ({ context, server, tokenFile }: Cloud): string =>
  server === undefined ? `context ${context ?? '(the current one)'}` : `${server} with ${tokenFile}`

/** Note a vnic. */
export function note(config: Cloud & Pick<NetworkConfig, 'name' | 'stateDir'>, vnic: string): void {
  writeWhole(join(directoryOf(config.stateDir, config.name), vnic), cloudOf(config), { mode: 0o600, isNew: false })
}

/** The cloud that has a noted vnic, as `cloudOf` says it; undefined: an earlier version has noted it. */
export const notedCloud = (stateDir: string, network: string, vnic: string): string | undefined =>
  readIfThere(join(directoryOf(stateDir, network), vnic)) || undefined

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
