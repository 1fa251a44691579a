/** TCP services in guests, and who gets a connection to them. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LabError } from './lab-error.ts'
import { netnsPath } from './names.ts'
import { mainAddress } from './plan.ts'
import type { GuestPlan } from './plan-guest.ts'
import { inNetns, run } from './program.ts'

const program = fileURLToPath(new URL('./service-program.ts', import.meta.url))

/** Take connections in a guest on some ports, until the result is disposed. Throws LabError when it cannot listen. */
export async function serve(guest: GuestPlan, ports: readonly number[]): Promise<AsyncDisposable> {
  const words = ['serve', mainAddress(guest), ...ports.map(String)]
  const [file, ...args] = inNetns(netnsPath(guest.netns), [process.execPath, program, ...words]) as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isReady = await Promise.race([new Promise<true>((resolve) => child.stdout.once('data', () => resolve(true))), ended])
  if (isReady !== true) throw new LabError(`guest ${guest.name} cannot take connections on ports ${ports.join(', ')}`)
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/** Whether a guest gets a TCP connection to another within a second. */
export async function connects(from: GuestPlan, to: GuestPlan, port: number, signal?: AbortSignal): Promise<boolean> {
  const argv = [process.execPath, program, 'ask', mainAddress(to), String(port), '1000']
  return (await run(inNetns(netnsPath(from.netns), argv), { signal, timeoutMs: 20_000 })).code === 0
}
