/** A machine on the host that its guest moves to: what is made before the guest comes. */
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, existsSync, ftruncateSync, openSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectory } from '#launch/directory.ts'
import { markProcess } from '#system/process-mark.ts'
import type { DiskFormat, VmDefinition } from './definition.ts'
import type { DiskState } from './disk-copy.ts'
import { writeJson, type VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'

export type DiskSize = Pick<DiskState, 'bytes' | 'allocatedBytes'>

/**
 * Write the definition of a machine whose guest is to come; with `disk` make an empty disk of its own, which gets the
 * content of the other host's. Whoever asks later (`discardUnreceived`) sees that the guest has not come, also when
 * this process is killed. Throws VmError: EEXIST, ENOENT for a disk that this host should have, ENOSPC.
 */
export function createReceived(directory: VmDirectory, machine: VmDefinition, disk: DiskSize | undefined): void {
  if (directory.exists()) throw new VmError('EEXIST', `machine ${directory.id} exists`)
  if (disk === undefined && machine.disk !== null && !existsSync(machine.disk))
    throw new VmError('ENOENT', `this host has no ${machine.disk}; vpc vm migrate --copy-disk copies it`)
  makeDirectory(directory.path)
  try {
    writeJson(directory.planFile, { incoming: directory.transferPipe, receiver: markProcess(process.pid) })
    const { ownDisk } = directory
    directory.writeDefinition(disk === undefined ? machine : { ...machine, disk: ownDisk, image: machine.image ?? machine.disk })
    if (disk !== undefined) makeDisk(ownDisk, machine.diskFormat ?? 'raw', disk)
  } catch (error) {
    directory.remove()
    throw error
  }
}

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

/** An empty disk, which takes no room yet. */
function makeDisk(path: string, format: DiskFormat, { bytes, allocatedBytes }: DiskSize): void {
  const { bavail, bsize } = statfsSync(dirname(path))
  if (bavail * bsize < allocatedBytes)
    throw new VmError(
      'ENOSPC',
      `the disk takes ${mib(allocatedBytes)}, and this host has ${mib(bavail * bsize)} free in ${dirname(dirname(path))}; make room there`,
    )
  if (format === 'raw') {
    const fd = openSync(path, 'wx', 0o600)
    ftruncateSync(fd, bytes)
    return closeSync(fd)
  }
  try {
    execFileSync('qemu-img', ['create', '-q', '-f', format, path, String(bytes)], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new VmError('failed', `cannot make a disk: ${(error as Error).message}`)
    throw new VmError('failed', 'qemu-img is not there, which makes the disk; install it: apt-get install qemu-utils', { cause: error })
  }
  chmodSync(path, 0o600)
}
