/** Network namespaces by name: which there are, and which processes are in them. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { netnsPath } from './names.ts'
import { markProcess, type ProcessMark } from '#system/process-mark.ts'

/** The names that stand for a namespace now. */
export const existingNetns = (names: readonly string[]): string[] => names.filter((name) => existsSync(netnsPath(name)))

/** The processes in any of the namespaces, without this process and its parents. */
export function processesIn(names: readonly string[]): ProcessMark[] {
  const inodes = new Set(names.map((name) => inodeOf(netnsPath(name))).filter((inode) => inode !== undefined))
  const pids = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
  return pids
    .filter((pid) => pid !== process.pid && pid !== process.ppid)
    .filter((pid) => inodes.has(inodeOf(`/proc/${pid}/ns/net`) ?? ''))
    .flatMap((pid) => markProcess(pid) ?? [])
}

/** A namespace's identity. Undefined when the path is gone, or is a left-over file and no namespace. */
function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
