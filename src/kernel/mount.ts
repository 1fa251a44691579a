/** Mounts: the BPF file system, and the bind mounts that keep namespaces by name. */
import { statfsSync } from 'node:fs'
import { makeDirectory } from './directory.ts'
import { errno, KernelError } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'

const mount = libc.func('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)')
const umount2 = libc.func('int umount2(const char *target, int flags)')

const BPF_FS_MAGIC = 0xcafe4a11
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const MS_BIND = 4096
const MS_REC = 16384
const MS_SHARED = 1 << 20
const MNT_DETACH = 2

/**
 * Whether a path lies on a BPF file system, so that objects can be pinned below it. A path that does not exist does
 * not.
 */
export function isOnBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Mount a BPF file system on a directory, which is made if need be. Only root can look into it. */
export function mountBpffs(directory: string): void {
  makeDirectory(directory, 0o700)
  check('mount', mount('bpf', directory, 'bpf', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=0700'), `bpf file system on ${directory}`)
}

/** Mount one path over another. */
export function bindMount(source: string, target: string): void {
  check('mount', mount(source, target, 'none', MS_BIND | MS_REC, null), `bind ${source} on ${target}`)
}

/** Make mounts below a mount point propagate. False when the directory is not a mount point. */
export function makeShared(directory: string): boolean {
  if (mount('', directory, 'none', MS_SHARED | MS_REC, null) === 0) return true
  if (lastErrno() === errno.EINVAL) return false
  throw new KernelError('mount', lastErrno(), `make ${directory} shared`)
}

/** Unmount a path. Users of the mount keep it until they let go. False when the path is not a mount point. */
export function unmount(target: string): boolean {
  if (umount2(target, MNT_DETACH) === 0) return true
  if (lastErrno() === errno.EINVAL) return false
  throw new KernelError('umount2', lastErrno(), target)
}
