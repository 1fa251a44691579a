/** Waits for devices that vpcd removes a moment after the last object that needs them. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Wait until this network namespace has no device of such a name, for a time at most. Gives those that are left. */
export async function untilGone(name: RegExp, withinMs: number): Promise<string[]> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const devices = readFileSync('/proc/self/net/dev', 'utf8').matchAll(/^\s*([^\s:]+):/gm)
    const left = [...devices].map(([, device]) => device!).filter((device) => name.test(device))
    if (left.length === 0 || performance.now() > deadline) return left
    await sleep(20)
  }
}
