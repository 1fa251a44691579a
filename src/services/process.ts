/**
 * What the processes of the services have in common. vpcd starts them as root, with open sockets and a directory; they
 * drop their privileges once all code is loaded, and before they look at anything that a guest says. Then they lose the
 * system calls that they never need.
 */
import { fstatSync, readFileSync, statSync } from 'node:fs'
import { confine } from '#kernel/confine.ts'
import { createLog, type Log } from '#system/log.ts'
import type { Guest } from './guest-address.ts'

/** Descriptors that vpcd gives: first a directory (src/datapath/guest-files.ts), then sockets. */
const directoryFd = 3
const firstSocketFd = 4

export interface GivenSocket {
  readonly fd: number
  readonly family: 4 | 6
  readonly protocol: 'tcp' | 'udp'
}

/** How often a process looks whether its directory is still there: it ends with the vpcd's. */
const lookMs = 2000

/** Where a process says what goes wrong. */
export const log: Log = createLog({ format: 'json' })

/** An error that nobody caught ends the process, with a line that says so; vpcd starts it again. */
function dieAloud(error: unknown): void {
  log.error('an error that nobody caught; the service ends', { error })
  process.exit(1)
}

/** Drop all privileges. Returns the sockets. `connects`: the process opens others. */
export function begin({ connects }: { readonly connects: boolean }): GivenSocket[] {
  const given = JSON.parse(process.argv[2]!) as { uid: number; sockets: Omit<GivenSocket, 'fd'>[] }
  process.setgroups!([])
  process.setgid!(given.uid)
  process.setuid!(given.uid)
  confine({ connects })
  process.on('uncaughtException', dieAloud)
  log.info('ready', { pid: process.pid })
  setInterval(() => fstatSync(directoryFd).nlink === 0 && process.exit(0), lookMs)
  return given.sockets.map((socket, i) => ({ ...socket, fd: firstSocketFd + i }))
}

/** A socket to vpcd, behind the given ones. */
export const talkFd = (sockets: readonly GivenSocket[]): number => firstSocketFd + sockets.length

/** A file of the directory; undefined: there is none. `key`: letters, digits and dashes. */
export function readKey<T>(key: string): T | undefined {
  try {
    return JSON.parse(readFileSync(`/proc/self/fd/${directoryFd}/${key}`, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const kept = new Map<string, { readonly version: string; readonly value: unknown }>()

/** The same, of a large file that many ask for: read again only when it is another one. */
export function readLargeKey<T>(key: string): T | undefined {
  const found = statSync(`/proc/self/fd/${directoryFd}/${key}`, { bigint: true, throwIfNoEntry: false })
  const version = found === undefined ? 'none' : `${found.ino} ${found.mtimeNs} ${found.size}`
  const known = kept.get(key)
  if (known?.version === version) return known.value as T | undefined
  const value = readKey<T>(key)
  if (value === undefined) kept.delete(key)
  else kept.set(key, { version, value })
  return value
}

/** What vpcd says of a guest now; undefined: nothing, or another port has its number. */
export function factsOf<T extends { readonly incarnation: number }>(guest: Guest): T | undefined {
  const found = readKey<T>(String(guest.source))
  return found !== undefined && guest.isOf(found.incarnation) ? found : undefined
}

/** Bounds how much of something one guest has at the same time. */
export class Share {
  readonly #most: number
  readonly #used = new Map<number, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Take one. False: the guest has all of its share. */
  take({ source }: Guest): boolean {
    const used = this.#used.get(source) ?? 0
    if (used >= this.#most) return false
    this.#used.set(source, used + 1)
    return true
  }

  /** Give one back. */
  release({ source }: Guest): void {
    const left = (this.#used.get(source) ?? 1) - 1
    if (left === 0) this.#used.delete(source)
    else this.#used.set(source, left)
  }
}
