/**
 * The kernel's own virtio back end, where the host has it: packets go between guest and tap without passing through the
 * hypervisor.
 */
import { closeSync, openSync } from 'node:fs'

export const vhostDevice = '/dev/vhost-net'

/**
 * One descriptor for each queue pair; undefined where this process may use no vhost-net. That is the usual case, not an
 * error.
 */
export function openVhost(count: number, path = vhostDevice): number[] | undefined {
  const fds: number[] = []
  try {
    for (let i = 0; i < count; i++) fds.push(openSync(path, 'r+'))
    return fds
  } catch {
    fds.forEach((fd) => closeSync(fd))
    return undefined
  }
}
