/** Vnics that a DEL could not remove: a file for each, which `finish` and GC read. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosenContext, contextsPath } from '#cli/cloud/contexts.ts'
import { readIfThere, writeWhole } from '#system/whole-file.ts'
import type { NetworkConfig } from './invocation.ts'

const directoryOf = (stateDir: string, network: string): string => join(stateDir, 'unfinished', network)

type Cloud = Pick<NetworkConfig, 'context' | 'server' | 'tokenFile'>

/**
 * By what a network reaches its cloud now, for people: one that does not may take a vnic for gone that it cannot see.
 * It names the API and whose token it is, also where the configuration leaves both to a login or to the environment.
 * Undefined: nobody is logged in.
 */
export function cloudOf({ context, server, tokenFile }: Cloud): string | undefined {
  if (server !== undefined) return `${server} with ${tokenFile}`
  try {
    const { name, context: chosen } = chosenContext(context)
    if (name !== null) return `${chosen.server} with context ${name} of ${contextsPath()}`
    return `${chosen.server} with the VPC_TOKEN that has digest ${createHash('sha256').update(chosen.token).digest('hex').slice(0, 16)}`
  } catch {
    // Who asks the API says why.
    return undefined
  }
}

/** Note a vnic. */
export function note(config: Cloud & Pick<NetworkConfig, 'name' | 'stateDir'>, vnic: string): void {
  writeWhole(join(directoryOf(config.stateDir, config.name), vnic), cloudOf(config) ?? '', { mode: 0o600, isNew: false })
}

/**
 * The cloud that has a noted vnic, by `cloudOf`; undefined: nobody was logged in, or an earlier version has noted it.
 */
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
