/** The network namespace of a container: as vpcd names it, and what is in it. */
import { execFileSync } from 'node:child_process'
import { readdirSync, realpathSync, statSync, type Stats } from 'node:fs'
import { markProcess } from '#system/process-mark.ts'
import { CniError, errorCode } from './error.ts'

const named = '/run/netns'

const isSame = (a: Stats, b: Stats): boolean => a.dev === b.dev && a.ino === b.ino

/** A path as vpcd has it: a name under /run/netns, or a process. Throws a CniError when the path is no such place. */
export function netnsOf(path: string): string {
  const there = statOf(path)
  if (there === undefined) throw new CniError(errorCode.unknownContainer, `there is no network namespace ${path}`)
  if (isSame(there, statSync('/proc/self/ns/net')))
    throw new CniError(errorCode.invalidEnvironment, `${path} is the host's own network namespace; name that of a container`)
  // That of a process is a link which leads to no path.
  const mark = markProcess(Number(/^\/proc\/(\d+)\/ns\/net$/.exec(path)?.[1] ?? 0))
  if (mark !== undefined) return `pid:${mark.pid}:${mark.startTicks}`
  const real = realpathSync(path)
  if (real.startsWith(`${named}/`)) return real.slice(named.length + 1)
  const name = namesOfNetns().find((each) => isSame(there, statOf(`${named}/${each}`) ?? ({} as Stats)))
  if (name !== undefined) return name
  throw new CniError(errorCode.invalidEnvironment, `network namespace ${path} is neither in ${named} nor that of a process`)
}

const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false })

function namesOfNetns(): readonly string[] {
  try {
    return readdirSync(named)
  } catch {
    return []
  }
}

export interface SeenInterface {
  readonly mac: string
  readonly isUp: boolean
  /** With prefix lengths. */
  readonly addresses: readonly string[]
}

/** What `ip` says of an interface in a namespace; undefined: there is none of that name. */
export function interfaceIn(path: string, ifname: string): SeenInterface | undefined {
  const args = [`--net=${path}`, 'ip', '-j', 'address', 'show']
  const found = JSON.parse(execFileSync('nsenter', args, { encoding: 'utf8', timeout: 10_000 })) as {
    ifname?: string
    address: string
    flags: string[]
    addr_info: { local: string; prefixlen: number }[]
  }[]
  const one = found.find((each) => each.ifname === ifname)
  if (one === undefined) return undefined
  const addresses = one.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  return { mac: one.address, isUp: one.flags.includes('UP'), addresses }
}
