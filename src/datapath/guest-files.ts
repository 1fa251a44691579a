/**
 * What the services for guests know of each guest: small files, one a key, in a directory for each service. They are
 * the tables of these processes, as the maps are those of the programs. A process reads the file of the guest that
 * asks, so it needs no right at vpcd, and works while vpcd is away.
 *
 * The directory belongs to root, and only the user of its service can read it.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownUsers } from '#abi/own-users.ts'

/** The services, and the users that their processes run as. */
export const serviceUsers = { metadata: ownUsers.metadata, dns: ownUsers.dns } as const
export type ServiceName = keyof typeof serviceUsers

export class GuestFiles {
  readonly #directory: string

  /** Below a directory that others cannot write to. */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** The directory of a service; made if it is not there. */
  directory(service: ServiceName): string {
    const path = join(this.#directory, service)
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 })
    mkdirSync(path, { recursive: true, mode: 0o750 })
    chownSync(path, 0, serviceUsers[service])
    chmodSync(path, 0o750)
    return path
  }

  /** Set a key's text: the whole of it, at once. */
  set(service: ServiceName, key: string, text: string): void {
    const path = join(this.directory(service), key)
    if (this.#read(path) === text) return
    writeFileSync(`${path}.new`, text, { mode: 0o640 })
    chownSync(`${path}.new`, 0, serviceUsers[service])
    chmodSync(`${path}.new`, 0o640)
    renameSync(`${path}.new`, path)
  }

  /** Remove a key, if it is there. */
  delete(service: ServiceName, key: string): void {
    rmSync(join(this.#directory, service, key), { force: true })
  }

  /** All keys with their texts. */
  entries(service: ServiceName): Map<string, string> {
    const path = this.directory(service)
    return new Map(
      readdirSync(path).flatMap((key) => {
        const text = this.#read(join(path, key))
        return text === undefined ? [] : [[key, text] as const]
      }),
    )
  }

  /** Remove all directories. */
  clear(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}
