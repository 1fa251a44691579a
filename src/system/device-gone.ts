/** Waits for devices that vpcd removes a moment after the last object that needs them. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Wait until this network namespace has none of some devices, for a time at most. */
export async function untilGone(names: readonly string[], withinMs: number): Promise<void> {
  const isThere = (): boolean => {
    const devices = readFileSync('/proc/self/net/dev', 'utf8')
    return names.some((name) => devices.includes(`${name}:`))
  }
  for (let waited = 0; waited < withinMs && isThere(); waited += 20) await sleep(20)
}
