/** The network namespace of a process, for this process from now on. */
import { enterNetns, Netns } from '#kernel/netns.ts'
import { LaunchError } from './launch-error.ts'

/** Enter it: sockets that are made from now on are in it. Throws LaunchError. */
export function enterNetnsOf(pid: number): void {
  try {
    using netns = Netns.ofPid(pid)
    enterNetns(netns.fd)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    throw new LaunchError(`cannot enter the network namespace of process ${pid}: ${message}`, code, { cause: error })
  }
}
