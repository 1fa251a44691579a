/**
 * Network namespaces: made with a name under /run/netns, opened by name, path or pid, and entered for the time of one
 * synchronous call.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, close, libc } from './libc.ts'
import { bindMount, makeShared, unmount } from './mount.ts'

const setns = libc.func('int setns(int fd, int type)')
const unshare = libc.func('int unshare(int flags)')

const CLONE_NEWNET = 0x40000000
const NAMED = '/run/netns'
const OWN = '/proc/thread-self/ns/net'

/**
 * Run a synchronous function with the calling thread inside the network namespace, and come back, even if it throws. A
 * socket or device that the function opens stays in that namespace. Asynchronous work that it starts does not: a
 * promise is refused after the return.
 */
export function insideNetns<T>(netnsFd: number, run: () => T): T {
  const home = openSync(OWN, 'r')
  try {
    check('setns', setns(netnsFd, CLONE_NEWNET), 'to enter a network namespace')
    return synchronous(run, home)
  } finally {
    closeSync(home)
  }
}

/** Enter a network namespace with the calling thread, for good. */
export function enterNetns(netnsFd: number): void {
  check('setns', setns(netnsFd, CLONE_NEWNET), 'to enter a network namespace')
}

function synchronous<T>(run: () => T, home: number): T {
  let result: T
  try {
    result = run()
  } finally {
    check('setns', setns(home, CLONE_NEWNET), 'to return to the own network namespace')
  }
  if (result instanceof Promise) throw new TypeError('insideNetns takes a synchronous function')
  return result
}

/**
 * An open network namespace. Closing it lets go of the descriptor; the namespace lives as long as somebody else holds
 * it.
 */
export class Netns {
  readonly fd: number
  constructor(fd: number) {
    this.fd = fd
  }
  /** Open by name (under /run/netns), or by path when there is a slash in it. Throws ENOENT when there is none. */
  static open(nameOrPath: string): Netns {
    return new Netns(openSync(nameOrPath.includes('/') ? nameOrPath : join(NAMED, nameOrPath), 'r'))
  }
  /** The namespace of a process. */
  static ofPid(pid: number): Netns {
    return new Netns(openSync(`/proc/${pid}/ns/net`, 'r'))
  }
  /** The namespace that this thread is in. */
  static current(): Netns {
    return new Netns(openSync(OWN, 'r'))
  }
  /** Make a new one that goes with its last descriptor, process or socket. */
  static unnamed(): Netns {
    const home = openSync(OWN, 'r')
    try {
      check('unshare', unshare(CLONE_NEWNET), 'to make a network namespace')
      return synchronous(() => Netns.current(), home)
    } finally {
      closeSync(home)
    }
  }
  /**
   * Make a new one with a name, as `ip netns add` does. Throws EEXIST when the name is taken. Its loopback device is
   * down.
   */
  static create(name: string): Netns {
    const path = namedPath(name)
    prepareNamedDirectory()
    writeFileSync(path, '', { flag: 'wx', mode: 0o444 })
    try {
      const home = openSync(OWN, 'r')
      try {
        check('unshare', unshare(CLONE_NEWNET), 'to make a network namespace')
        synchronous(() => bindMount(OWN, path), home)
      } finally {
        closeSync(home)
      }
      return Netns.open(name)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
  }
  /**
   * Remove the name, as `ip netns del` does. The namespace goes with its last process, socket or descriptor. Throws
   * ENOENT.
   */
  static delete(name: string): void {
    const path = namedPath(name)
    unmount(path)
    rmSync(path)
  }
  /** The names under /run/netns. */
  static names(): string[] {
    return existsSync(NAMED) ? readdirSync(NAMED).sort() : []
  }
  /** Run a synchronous function inside. See insideNetns. */
  run<T>(run: () => T): T {
    return insideNetns(this.fd, run)
  }
  [Symbol.dispose](): void {
    close(this.fd)
  }
}

function namedPath(name: string): string {
  if (!/^[^/\0]{1,255}$/.test(name) || name === '.' || name === '..') throw new RangeError(`'${name}' cannot name a network namespace`)
  return join(NAMED, name)
}

// The directory must propagate mounts, or a name that is deleted here would live on in the mount namespaces of other
// services.
function prepareNamedDirectory(): void {
  mkdirSync(NAMED, { recursive: true, mode: 0o755 })
  if (makeShared(NAMED)) return
  bindMount(NAMED, NAMED)
  makeShared(NAMED)
}
