/** TCP services in guests, and who gets a connection to them. */
import { spawn } from 'node:child_process'
import { LabError } from './lab-error.ts'
import { netnsPath } from './names.ts'
import { moduleFile } from '#system/module-file.ts'
import { inNetns, run } from './program.ts'

const program = moduleFile('./service-program', import.meta.url)

interface Server {
  readonly name: string
  readonly netns: string
  readonly address: string
}

/** Take connections on some ports of a machine, until the result is disposed. Throws LabError when it cannot listen. */
export async function serve({ name, netns, address }: Server, ports: readonly number[]): Promise<AsyncDisposable> {
  const words = ['serve', address, ...ports.map(String)]
  const [file, ...args] = inNetns(netnsPath(netns), [process.execPath, program, ...words]) as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isReady = await Promise.race([new Promise<true>((resolve) => child.stdout.once('data', () => resolve(true))), ended])
  if (isReady !== true) throw new LabError(`${name} cannot take connections on ports ${ports.join(', ')}`)
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/**
 * Connect by TCP from a guest, or from a machine at the end of a wire, to a port that `serve` takes. Gives the sender's
 * address as the other end sees it; undefined: there was no connection within a second.
 */
export async function connectionFrom(
  from: { readonly netns: string },
  to: string,
  port: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const argv = [process.execPath, program, 'ask', to, String(port), '1000']
  const { code, stdout } = await run(inNetns(netnsPath(from.netns), argv), { signal, timeoutMs: 20_000 })
  return code === 0 ? stdout.trim() : undefined
}
