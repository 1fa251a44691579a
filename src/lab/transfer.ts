/** The speed of TCP from one guest to another, by a sender and a receiver program in the guests' namespaces. */
import { netnsPath } from './names.ts'
import { moduleFile } from '#system/module-file.ts'
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

const program = moduleFile('./transfer-program', import.meta.url)

/**
 * Send over TCP from an address of one namespace to another namespace for some seconds. The result is what the receiver
 * got.
 */
export async function measureTransfer(
  from: { readonly netns: string; readonly address: string },
  to: { readonly netns: string },
  { seconds = 3, port = 5201, signal }: TransferOptions = {},
): Promise<Transfer> {
  // When one of the two fails, the other would wait for ever.
  const failed = new AbortController()
  const start = async ({ netns }: { readonly netns: string }, ...words: string[]): Promise<string> => {
    const options = { signal: AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]), timeoutMs: (seconds + 15) * 1000 }
    return must(inNetns(netnsPath(netns), [process.execPath, program, ...words]), options)
  }
  const where = [from.address, String(port)]
  const both = [start(to, 'receive', ...where), start(from, 'send', ...where, String(seconds))]
  for (const one of both) one.catch((error) => failed.abort(error))
  const [received] = await Promise.all(both)
  const { bytes, milliseconds } = JSON.parse(received!) as { bytes: number; milliseconds: number }
  return { bytes, seconds: milliseconds / 1000, gigabitsPerSecond: (bytes * 8) / milliseconds / 1e6 }
}
