/** The queues of a vmnic's tap, opened for a program that inherits or receives them. */
import { errnoName, errno, KernelError } from '#kernel/errno.ts'
import { close } from '#kernel/libc.ts'
import { Netlink } from '#kernel/netlink.ts'
import { openTapQueue } from '#kernel/tap.ts'
import { LaunchError } from './launch-error.ts'

/**
 * Descriptors, one for each queue pair, closed on exec. Disposing closes them; copies that were handed on stay open.
 */
export class TapQueues implements Disposable {
  readonly device: string
  readonly fds: readonly number[]
  #open = true

  private constructor(device: string, fds: readonly number[]) {
    this.device = device
    this.fds = fds
  }

  /**
   * Open queues of a tap in this process's network namespace. Throws LaunchError: ENODEV when there is no such tap
   * (opening would make one), EBUSY when another program has queues of it open, EPERM when this user may not.
   */
  static open(device: string, count: number): TapQueues {
    checkDevice(device)
    const fds: number[] = []
    try {
      for (let i = 0; i < count; i++) fds.push(openTapQueue({ name: device }))
      return new TapQueues(device, fds)
    } catch (error) {
      fds.forEach(close)
      throw asLaunchError(device, error)
    }
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.fds.forEach(close)
  }
}

function checkDevice(device: string): void {
  using netlink = Netlink.open()
  const tun = netlink.linkByName(device)?.tun
  if (tun === undefined || !tun.tap) {
    throw new LaunchError(`there is no tap device ${device} in this network namespace; run this where its vpcd runs`, 'ENODEV')
  }
  if ((tun.queues ?? 0) + (tun.disabledQueues ?? 0) === 0) return
  throw new LaunchError(`another program has ${device} open; a vmnic serves one guest at a time, so end that one first`, 'EBUSY')
}

function asLaunchError(device: string, error: unknown): unknown {
  if (!(error instanceof KernelError)) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOENT') return error
    return new LaunchError(`cannot open /dev/net/tun: ${code}; run this as root, or load the module tun`, code, { cause: error })
  }
  const why =
    error.errno === errno.EPERM
      ? 'it belongs to another user; run this as root or as its owner (vpc vmnic set --owner-user)'
      : error.errno === errno.EBUSY
        ? 'another program has it open'
        : error.message
  return new LaunchError(`cannot open ${device}: ${why}`, errnoName(error.errno), { cause: error })
}
