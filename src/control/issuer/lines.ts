/** Questions and answers of the issuer as lines of JSON, over a socket of its own or a descriptor of its parent. */
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { IssuerRefused } from './issuer.ts'

/** More than any request has. */
const mostBytes = 16 << 10

/** Answer what comes, until the other end is gone. A failure is answered, too. */
export async function serveLines(stream: Duplex, answer: (request: unknown) => Promise<object>): Promise<void> {
  stream.on('error', () => stream.destroy())
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (line.length > mostBytes) break
      const { id, ...request } = parse(line)
      const said = await answer(request).catch((error: unknown) => ({
        error: (error as Error).message,
        isRefused: error instanceof IssuerRefused,
        isDenied: error instanceof IssuerRefused && error.isDenied,
      }))
      if (!stream.destroyed) stream.write(`${JSON.stringify({ id, ...said })}\n`)
    }
  } catch {
    // The other end has gone.
  }
  stream.destroy()
}

function parse(line: string): { readonly id?: unknown } {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
