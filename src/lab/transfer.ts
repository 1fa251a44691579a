/** How fast TCP is from one guest to another: a sender and a receiver, programs of their own in the guests' namespaces. */
import { fileURLToPath } from 'node:url'
import { netnsPath } from './names.ts'
import { inNetns, must } from './program.ts'

export interface Transfer {
  readonly bytes: number
  readonly seconds: number
  readonly gigabitsPerSecond: number
}

export interface TransferOptions {
  readonly seconds?: number
  readonly port?: number
  readonly signal?: AbortSignal | undefined
}

const program = fileURLToPath(new URL('./transfer-program.ts', import.meta.url))

/** Send over TCP from one namespace to an address of another for some seconds; what the receiver got is what counts. */
export async function measureTransfer(
  from: string,
  to: { readonly netns: string; readonly address: string },
  { seconds = 3, port = 5201, signal }: TransferOptions = {},
): Promise<Transfer> {
  const start = (netns: string, ...words: string[]): Promise<string> =>
    must(inNetns(netnsPath(netns), [process.execPath, program, ...words]), { signal, timeoutMs: (seconds + 15) * 1000 })
  const [received] = await Promise.all([
    start(to.netns, 'receive', to.address, String(port)),
    start(from, 'send', to.address, String(port), String(seconds)),
  ])
  const { bytes, milliseconds } = JSON.parse(received) as { bytes: number; milliseconds: number }
  return { bytes, seconds: milliseconds / 1000, gigabitsPerSecond: (bytes * 8) / milliseconds / 1e6 }
}
