/**
 * What a test may leave behind on the machine, and the check that it did not: network namespaces, devices, pinned eBPF
 * objects, processes, and the test's own descriptors.
 *
 *     const before = snapshot({ mark: `mylab-${process.pid}`, pinsBelow: '/sys/fs/bpf/mylab' })
 *     ...
 *     await assertNoLeaks(before)
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

export interface LeakScope {
  /**
   * A text that the names of the test's namespaces and devices, or the command lines and environments of its processes,
   * contain. Only those count then; without it every namespace and device counts, and no process.
   */
  readonly mark?: string
  /** A folder of a bpffs; it and everything below counts. It need not exist. */
  readonly pinsBelow?: string
}

export interface Snapshot {
  readonly scope: LeakScope
  /** `netns NAME`, `link NAME`, `pin PATH`, `process PID COMMAND`, `descriptor KIND #N`. */
  readonly things: ReadonlySet<string>
}

/** Note what is there now. */
export function snapshot(scope: LeakScope = {}): Snapshot {
  return { scope, things: new Set([...namespaces(scope), ...links(scope), ...pins(scope), ...processes(scope), ...descriptors()]) }
}

/** What is there that was not. */
export function leaksSince({ scope, things }: Snapshot): string[] {
  return [...snapshot(scope).things].filter((thing) => !things.has(thing)).sort()
}

/**
 * Fail with the list of leftovers. The kernel removes namespaces and their devices in the background: it gets `graceMs`
 * for that.
 */
export async function assertNoLeaks(before: Snapshot, { graceMs = 3000 } = {}): Promise<void> {
  const end = Date.now() + graceMs
  let left = leaksSince(before)
  while (left.length > 0 && Date.now() < end) {
    await setTimeout(50)
    left = leaksSince(before)
  }
  assert.deepEqual(left, [], 'left behind')
}

function ip<T>(...args: readonly string[]): T[] {
  const { stdout, stderr, status } = spawnSync('ip', ['-j', ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as T[])
}

const marked = ({ mark }: LeakScope, ...texts: readonly (string | undefined)[]): boolean =>
  mark === undefined || texts.some((text) => text?.includes(mark))

/** Not by `ip netns list`, which fails when a namespace goes while it looks. */
const namespaces = (scope: LeakScope): string[] =>
  (existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((name) => marked(scope, name)).map((name) => `netns ${name}`)

const links = (scope: LeakScope): string[] =>
  ip<{ ifname: string; ifalias?: string }>('link', 'show')
    .filter(({ ifname, ifalias }) => marked(scope, ifname, ifalias))
    .map(({ ifname }) => `link ${ifname}`)

function pins({ pinsBelow }: LeakScope): string[] {
  if (pinsBelow === undefined || !existsSync(pinsBelow)) return []
  return [`pin ${pinsBelow}`, ...readdirSync(pinsBelow, { recursive: true }).map((path) => `pin ${join(pinsBelow, String(path))}`)]
}

function processes({ mark }: LeakScope): string[] {
  if (mark === undefined) return []
  const own = new Set([process.pid, process.ppid])
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !own.has(Number(name)))
    .flatMap((pid) => {
      const commandLine = readProc(pid, 'cmdline')
      if (!commandLine.includes(mark) && !readProc(pid, 'environ').includes(mark)) return []
      return [`process ${pid} ${commandLine.replaceAll('\0', ' ').trim()}`]
    })
}

/** Empty when the process has gone, or is a zombie. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Kinds of descriptors that Node does not open for itself, counted. */
const countedKinds = /^(anon_inode:bpf|anon_inode:\[perf|net:|mnt:|\/dev\/net\/tun|\/run\/netns|\/sys\/fs\/bpf)/

function descriptors(): string[] {
  const counts = new Map<string, number>()
  for (const fd of readdirSync('/proc/self/fd')) {
    const kind = descriptorKind(fd)
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return [...counts].flatMap(([kind, count]) => Array.from({ length: count }, (_, i) => `descriptor ${kind} #${i + 1}`))
}

function descriptorKind(fd: string): string | undefined {
  try {
    const target = readlinkSync(`/proc/self/fd/${fd}`)
    return countedKinds.test(target) ? target.replace(/:\[\d+\]$/, '') : undefined
  } catch {
    // It was the folder's own.
    return undefined
  }
}
