/** The directories of a vpcd, and the locks that make them its own. */
import { chmodSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeBpffs } from '#datapath/bpffs.ts'
import { makeDirectory } from '#kernel/directory.ts'
import { DirectoryLock } from '#kernel/directory-lock.ts'
import { FileLock, LockHeld } from '#kernel/lock.ts'
import { maxSocketPathBytes } from '#kernel/unix-socket.ts'
import type { Log } from '#system/log.ts'
import { lockNamespace } from './namespace-lock.ts'
import { defaultDirectories, socketName, type DaemonOptions } from './options.ts'
import { StartRefused } from './start-refused.ts'

export interface Directories {
  readonly runDir: string
  readonly stateDir: string
  readonly bpffs: string
}

/** The directories that options name, or the default ones. */
export function directoriesOf(options: DaemonOptions): Directories {
  const of = (name: keyof Directories): string => resolve(options[name] ?? defaultDirectories[name])
  return { runDir: of('runDir'), stateDir: of('stateDir'), bpffs: of('bpffs') }
}

/**
 * Make the directories, and hold them and the network namespace: no other vpcd uses them meanwhile. Throws
 * StartRefused.
 */
export async function holdDirectories({ runDir, stateDir, bpffs }: Directories, log: Log): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  makeDirectories(runDir, stateDir)
  stack.use(lockDirectories(runDir, stateDir))
  stack.use(await lockNamespace(log))
  makePinDirectory(bpffs)
  stack.use(lockBpffs(bpffs))
  return stack.move()
}

/**
 * Make the directories. The run directory lets everybody reach the socket (whose own mode decides); the state directory
 * is closed. Throws StartRefused when another user can write to one of them: that user could replace the socket.
 */
export function makeDirectories(runDir: string, stateDir: string): void {
  const longest = maxSocketPathBytes - socketName.length - 1
  if (Buffer.byteLength(runDir) > longest)
    throw new StartRefused(
      `${runDir} is too long for the path of a socket, which leaves ${longest} bytes to it; choose a shorter one with --run-dir`,
    )
  makeOwn(runDir, '--run-dir', 0o755)
  makeOwn(stateDir, '--state-dir', 0o700)
}

/** Make the directory on a bpffs in which everything is pinned. Throws StartRefused. */
const makePinDirectory = (bpffs: string): void => making(bpffs, '--bpffs', () => makeBpffs(bpffs))

function makeOwn(path: string, option: string, mode: number): void {
  // mkdir(2) applies the umask, and makes parents with the same mode: set the mode that was asked for.
  making(path, option, () => void (makeDirectory(path, mode) && chmodSync(path, mode)))
  const found = statSync(path)
  if (!found.isDirectory()) throw new StartRefused(`${path} is not a directory; choose another with ${option}`)
  if (found.uid !== process.geteuid!() || (found.mode & 0o022) !== 0) {
    const mode_ = (found.mode & 0o7777).toString(8)
    throw new StartRefused(
      `${path} belongs to user ${found.uid}, mode ${mode_}: others can write there; chown and chmod it, or choose another with ${option}`,
    )
  }
}

function making(path: string, option: string, make: () => void): void {
  try {
    make()
  } catch (cause) {
    throw new StartRefused(`cannot make ${path}: ${(cause as Error).message}; choose another with ${option}`, { cause })
  }
}

/** Take the locks of both directories, without waiting. Throws StartRefused naming the process that has one. */
export function lockDirectories(runDir: string, stateDir: string): Disposable {
  const stack = new DisposableStack()
  try {
    for (const [directory, option] of [
      [stateDir, '--state-dir'],
      [runDir, '--run-dir'],
    ] as const)
      stack.use(lock(directory, option))
    return stack
  } catch (error) {
    stack.dispose()
    throw error
  }
}

/** Lock the directory of the bpffs for this vpcd, once it exists. Throws StartRefused. */
const lockBpffs = (bpffs: string): Disposable => exclusive(bpffs, '--bpffs', () => DirectoryLock.acquire(bpffs))

const lock = (directory: string, option: string): Disposable =>
  exclusive(directory, option, () => FileLock.acquire(join(directory, 'lock')))

function exclusive(directory: string, option: string, acquire: () => Disposable): Disposable {
  try {
    return acquire()
  } catch (cause) {
    if (!(cause instanceof LockHeld)) throw cause
    const who = cause.pid === undefined ? 'another vpcd' : `another vpcd, process ${cause.pid},`
    throw new StartRefused(`${who} uses ${directory}; stop it first, or choose another directory with ${option}`, { cause })
  }
}
