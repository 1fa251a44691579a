/** Finds a process of a container by the container's name or id, which its manager writes into the cgroup's name. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** Parts of cgroup paths that stand for a container: podman, docker, containerd, nspawn and libvirt, LXC. */
const patterns = [
  /^libpod-([0-9a-f]{64})(?:\.scope)?$/,
  /^docker-([0-9a-f]{64})\.scope$/,
  /^(?:cri-containerd|crio|nerdctl)-([0-9a-f]{64})\.scope$/,
  /^machine-(.+)\.scope$/,
  /^lxc\.payload\.(.+)$/,
]
/** Of managers that do without systemd: the parent's name, and the container's. */
const parents: readonly string[] = ['docker', 'libpod_parent', 'lxc']

/**
 * The container of a cgroup path. The outermost one counts, and none below a user or a service, which may run as one:
 * whoever has a part of the tree names what is in it.
 */
export function containerOfCgroup(path: string): string | undefined {
  const parts = path.split('/')
  for (const [i, part] of parts.entries()) {
    if (part === 'user.slice') return undefined
    const found = patterns.map((pattern) => pattern.exec(part)?.[1]).find((name) => name !== undefined)
    if (found !== undefined) return unescaped(found)
    if (parents.includes(parts[i - 1] ?? '')) return part.replace(/^libpod-/, '')
    if (part.endsWith('.service')) return undefined
  }
  return undefined
}

/** systemd writes other bytes than letters, digits, '_' and '.' as `\x2d`. */
const unescaped = (name: string): string => name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))

/** A process of a container that is in another network namespace than this one; undefined: it does not run. */
export function processOfContainer(name: string): number | undefined {
  const own = netnsOf('self')
  return (processes().get(name) ?? []).find((pid) => ![own, undefined].includes(netnsOf(String(pid))))
}

/** Whether a process is in a container now. */
export const isInContainer = (pid: number, name: string): boolean => containersOf(pid).includes(name)

let found: ReadonlyMap<string, readonly number[]> | undefined

/** The processes of all containers. One look at /proc, which any user can fill, serves all that is asked in one go. */
function processes(): ReadonlyMap<string, readonly number[]> {
  if (found !== undefined) return found
  const all = new Map<string, number[]>()
  for (const pid of pids())
    for (const name of new Set(containersOf(pid))) if (name !== undefined) all.getOrInsertComputed(name, () => []).push(pid)
  queueMicrotask(() => (found = undefined))
  return (found = all)
}

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))
    .map(Number)
    .sort((a, b) => a - b)

function containersOf(pid: number): readonly (string | undefined)[] {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n')
    return lines.map((line) => containerOfCgroup(line.split(':').slice(2).join(':')))
  } catch {
    return []
  }
}

function netnsOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}
