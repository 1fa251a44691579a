/** Vnics that a DEL could not remove: a file for each, which `finish` and GC read. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosenContext, contextsPath } from '#cli/cloud/contexts.ts'
import { readIfThere, writeWhole } from '#system/whole-file.ts'
import type { NetworkConfig } from './invocation.ts'

/** `attached`: by which cloud an ADD has done it; `unfinished`: what is left to remove. */
type Kind = 'attached' | 'unfinished'
const pathOf = (kind: Kind, stateDir: string, network: string, vnic = ''): string => join(stateDir, kind, network, vnic)

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

type Network = Cloud & Pick<NetworkConfig, 'name' | 'stateDir'>

const write = (path: string, cloud: string): void => void writeWhole(path, cloud, { mode: 0o600, isNew: false })
/** Undefined: nobody was logged in, or an earlier version has written it, which did not name the API. */
function cloudAt(path: string): string | undefined {
  const text = readIfThere(path)
  return text?.startsWith('http') === true ? text : undefined
}

/** An ADD has made a vnic: its DEL may reach another cloud, which does not know it. */
export const noteAttached = (config: Network, vnic: string): void =>
  write(pathOf('attached', config.stateDir, config.name, vnic), cloudOf(config) ?? '')

/** Note a vnic that goes, with the cloud that its ADD has reached. */
export function note(config: Network, vnic: string): void {
  const { stateDir, name } = config
  write(pathOf('unfinished', stateDir, name, vnic), cloudAt(pathOf('attached', stateDir, name, vnic)) ?? cloudOf(config) ?? '')
}

/** The cloud that has a noted vnic, by `cloudOf`; undefined: nobody knows. */
export const notedCloud = (stateDir: string, network: string, vnic: string): string | undefined =>
  cloudAt(pathOf('unfinished', stateDir, network, vnic))

/** Whether a network reaches the cloud of a noted vnic, as far as is known: then one that it cannot see is gone. */
export function reachesCloudOf(config: Network, vnic: string): boolean {
  const cloud = notedCloud(config.stateDir, config.name, vnic)
  return cloud === undefined || cloud === cloudOf(config)
}

/**
 * What to do about a vnic of another cloud, for people. A renamed context or a new token is another one, too: only they
 * know that it sees what the former one saw, so that a vnic that it does not see is gone.
 */
export const wayOut = (stateDir: string, network: string, vnic: string): string =>
  `if it is gone there, remove its notes: rm -f ${pathOf('unfinished', stateDir, network, vnic)} ${pathOf('attached', stateDir, network, vnic)}`

/** It is in use again: it does not go. */
export const forget = (stateDir: string, network: string, vnic: string): void =>
  rmSync(pathOf('unfinished', stateDir, network, vnic), { force: true })

/** It is gone. */
export function forgetAll(stateDir: string, network: string, vnic: string): void {
  rmSync(pathOf('attached', stateDir, network, vnic), { force: true })
  forget(stateDir, network, vnic)
}

/** Whether it still is noted. */
export const isNoted = (stateDir: string, network: string, vnic: string): boolean =>
  existsSync(pathOf('unfinished', stateDir, network, vnic))

/** The networks that have notes, or had some. */
export const notedNetworks = (stateDir: string): readonly string[] => namesIn(pathOf('unfinished', stateDir, '.'))

/** The names that are noted for a network. */
export const noted = (stateDir: string, network: string): readonly string[] => namesIn(pathOf('unfinished', stateDir, network))

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
