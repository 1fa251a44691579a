/** The directory on a BPF file system for all pins, which outlive vpcd. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectory } from '#kernel/directory.ts'
import { isOnBpffs, mountBpffs } from '#kernel/mount.ts'

/** Where distributions mount it. */
const usual = '/sys/fs/bpf'

/**
 * How a directory gets onto a bpffs: it is on one already; it is made below one; one is mounted on `mountPoint` first.
 */
export type BpffsPlan =
  | { readonly kind: 'there' }
  | { readonly kind: 'below'; readonly parent: string }
  | { readonly kind: 'mount'; readonly mountPoint: string }
  /** This user may not even look. */
  | { readonly kind: 'hidden'; readonly why: string }

/** What `makeBpffs` would do. */
export function planBpffs(directory: string): BpffsPlan {
  try {
    return plan(directory)
  } catch (error) {
    return { kind: 'hidden', why: error instanceof Error ? error.message : String(error) }
  }
}

function plan(directory: string): BpffsPlan {
  if (isOnBpffs(directory)) return { kind: 'there' }
  const parent = nearestExisting(directory)
  if (isOnBpffs(parent)) return { kind: 'below', parent }
  // sysfs takes no directories, so a bpffs goes on the usual place, not below it.
  return { kind: 'mount', mountPoint: directory === usual || directory.startsWith(`${usual}/`) ? usual : directory }
}

/**
 * Make the directory, mode 0700, and mount a bpffs if there is none. Throws KernelError (EPERM, ENODEV), and the errors
 * of mkdir(2).
 */
export function makeBpffs(directory: string): void {
  const way = plan(directory)
  if (way.kind === 'mount') mountBpffs(way.mountPoint)
  makeDirectory(directory, 0o700)
}

/** Whether this kernel has the file system. */
export const knowsBpffs = (): boolean => /\tbpf$/m.test(readFileSync('/proc/filesystems', 'utf8'))

function nearestExisting(path: string): string {
  let parent = path
  while (!existsSync(parent)) parent = dirname(parent)
  return parent
}
