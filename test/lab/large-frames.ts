/** Whether TCP segments larger than the MTU pass whole: seen by a raw socket on the way of a transfer. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawSocket } from './raw-socket.ts'

/** Watch a socket while something is done; gives the longest frame that it saw. */
export async function longestFrame(socket: RawSocket, during: () => Promise<unknown>): Promise<number> {
  let longest = 0
  const over = new AbortController()
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      for (const { length } of socket.receive()) longest = Math.max(longest, length)
      await sleep(5)
    }
  }
  await Promise.all([watch(), during().finally(() => over.abort())])
  return longest
}
