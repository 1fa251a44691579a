/**
 * Records to a collector of IPFIX by UDP, RFC 7011. Nobody knows whether a datagram arrives; a collector sees by the
 * sequence numbers that records are missing, also those that this place could not take.
 */
import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Destination } from './destination.ts'
import { ipfixMessage, mostBytes, recordSet, templatesSet } from './ipfix-message.ts'
import type { FlowRecord } from './record.ts'

/** Collectors that have begun since learn the templates: RFC 7011, section 8.4. */
const templatesEveryMs = 60_000
const headBytes = 16

export class Ipfix implements Destination {
  readonly name: string
  readonly mostAtOnce = 500
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined
  #sequence = 0
  #toldMs = -Infinity

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#host = host
    this.#port = port
    this.name = `IPFIX collector at ${host} port ${port}`
  }

  async send(lines: readonly string[]): Promise<void> {
    const records = lines.map((line) => JSON.parse(line) as FlowRecord)
    let sets: Uint8Array[] = []
    let count = 0
    let size = headBytes
    const isTemplateDue = performance.now() - this.#toldMs >= templatesEveryMs
    const flush = async (): Promise<void> => {
      if (sets.length === 0) return
      const now = Date.now()
      await this.#post(ipfixMessage({ nowMs: now, sequence: this.#sequence, domain: process.pid }, sets))
      // Not before: what could not be sent comes again, and nobody can read it without them.
      if (isTemplateDue) this.#toldMs = performance.now()
      this.#sequence += count
      ;[sets, count, size] = [[], 0, headBytes]
    }
    if (isTemplateDue) {
      sets.push(templatesSet())
      size += sets[0]!.length
    }
    for (const record of records) {
      // Lost records are a gap in the sequence.
      if (record.event === 'lost') {
        await flush()
        this.#sequence += record.packets
        continue
      }
      const set = recordSet(record)
      if (size + set.length > mostBytes) await flush()
      sets.push(set)
      count++
      size += set.length
    }
    await flush()
  }

  close(): void {
    this.#socket?.close()
  }

  async #post(message: Uint8Array): Promise<void> {
    if (this.#socket === undefined) {
      this.#socket = createSocket(isIP(this.#host) === 6 ? 'udp6' : 'udp4')
      // Who does not listen makes the next datagram fail; it may listen later.
      this.#socket.on('error', () => {})
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.send(message, this.#port, this.#host, (error) => (error === null ? resolve() : reject(error)))
    await promise
  }
}
