/** Programs of the system that manage networks here, and whether files keep them away from our devices. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { networkFiles } from '#abi/network-files.ts'

export type Manager = 'systemd-networkd' | 'NetworkManager' | 'systemd-udevd'

/** A manager that runs here, and a file that it should have. */
export interface ManagerFact {
  readonly manager: Manager
  readonly file: keyof typeof networkFiles
  /** The file, or one that says the same; undefined: there is none. */
  readonly found: string | undefined
}

/** /proc/PID/comm has 15 characters. */
const managers: readonly (readonly [comm: string, manager: Manager, file: keyof typeof networkFiles])[] = [
  ['systemd-network', 'systemd-networkd', 'network'],
  ['NetworkManager', 'NetworkManager', 'networkManager'],
  ['systemd-udevd', 'systemd-udevd', 'link'],
]
const places = ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib']

/** Those that run in this network namespace. `root` has the directories in which they look. */
export function managerFacts(root = '/'): ManagerFact[] {
  const running = namesHere()
  return managers.filter(([comm]) => running.has(comm)).map(([, manager, file]) => ({ manager, file, found: fileWith(root, file) }))
}

/** Names of the processes in this network namespace. */
function namesHere(): Set<string> {
  const here = linkOf('/proc/thread-self/ns/net')
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Set(pids.filter((pid) => linkOf(`/proc/${pid}/ns/net`) === here).map((pid) => textOf(`/proc/${pid}/comm`).trim()))
}

function fileWith(root: string, file: keyof typeof networkFiles): string | undefined {
  const { path, words } = networkFiles[file]
  const suffix = path.slice(path.lastIndexOf('.'))
  for (const place of places) {
    const directory = join(root, place, path, '..')
    for (const name of namesIn(directory).filter((each) => each.endsWith(suffix))) {
      const text = textOf(join(directory, name))
      if (words.every((word) => text.includes(word))) return join(directory, name)
    }
  }
  return undefined
}

// A process may end meanwhile, and a directory may be missing.
const quietly = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise
  }
}
const textOf = (path: string): string => quietly(() => readFileSync(path, 'utf8'), '')
const linkOf = (path: string): string => quietly(() => readlinkSync(path), '')
const namesIn = (directory: string): string[] => quietly(() => readdirSync(directory), [])
