/**
 * What vpc made for libvirt's domains: a file for each interface, written before the interface is made. So a hook that
 * is killed leaves nothing that nobody knows.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Id } from '#abi/id.ts'
import { writeWhole } from '#system/whole-file.ts'

/** An interface of a domain. */
export interface Recorded {
  /** UUID of the domain. */
  readonly domain: string
  readonly name: string
  readonly dev: string
  readonly mac: string
  readonly made: MadeInCloud | MadeHere
}

/** A vnic: its id, or its name until the API has answered. */
export interface MadeInCloud {
  readonly in: 'cloud'
  readonly vnic: string
  readonly context: string | undefined
  /** It was made for a running guest, and goes with its interface. */
  readonly goes: boolean
}

export interface MadeHere {
  readonly in: 'switch'
  readonly switch: Id
  readonly port: Id
  readonly vmnic: Id
}

export const defaultStateDir = '/var/lib/vpc/libvirt'

const fileOf = (stateDir: string, { domain, dev }: Pick<Recorded, 'domain' | 'dev'>): string => join(stateDir, domain, `${dev}.json`)

/** Write one down. */
export function note(stateDir: string, recorded: Recorded): void {
  writeWhole(fileOf(stateDir, recorded), `${JSON.stringify(recorded)}\n`, { mode: 0o600, isNew: false })
}

/** It is gone. */
export function forget(stateDir: string, recorded: Pick<Recorded, 'domain' | 'dev'>): void {
  const file = fileOf(stateDir, recorded)
  rmSync(file, { force: true })
  if (namesIn(dirname(file)).length === 0) rmSync(dirname(file), { recursive: true, force: true })
}

/** The interfaces of a domain; without one, of all. */
export function recordsOf(stateDir: string, domain?: string): Recorded[] {
  if (domain === undefined) return namesIn(stateDir).flatMap((each) => recordsOf(stateDir, each))
  return namesIn(join(stateDir, domain))
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => JSON.parse(readFileSync(join(stateDir, domain, name), 'utf8')) as Recorded)
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
