/**
 * Records to a syslog server, RFC 5424: by UDP (RFC 5426), a datagram each, of which nobody knows whether it arrives;
 * or by a stream socket of this machine, each with its length before it (RFC 6587, octet counting).
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { connect, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { once } from 'node:events'
import type { Destination } from './destination.ts'

export type SyslogAddress = { readonly path: string } | { readonly host: string; readonly port: number }

/** Read `udp:HOST:PORT` or `unix:PATH`. Undefined: it is neither. */
export function parseSyslogAddress(text: string): SyslogAddress | undefined {
  if (/^unix:\/./.test(text)) return { path: text.slice(5) }
  const [, bracketed, plain, port] = /^udp:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) === 0 || Number(port) > 65_535) return undefined
  return { host: bracketed ?? plain!, port: Number(port) }
}

/** Facility local0, severity informational. */
const priority = 16 * 8 + 6

/** A message with a line of JSON. */
export const syslogMessage = (line: string, now: Date): string =>
  `<${priority}>1 ${now.toISOString()} ${hostname().slice(0, 255) || '-'} vpc-flow-log ${process.pid} flow - ${line}`

export class Syslog implements Destination {
  readonly name: string
  readonly mostAtOnce = 100
  readonly #address: SyslogAddress
  #datagrams: Datagrams | undefined
  #stream: Socket | undefined

  constructor(address: SyslogAddress) {
    this.#address = address
    this.name = 'path' in address ? `syslog at ${address.path}` : `syslog at ${address.host} port ${address.port}`
  }

  async send(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const messages = lines.map((line) => Buffer.from(syslogMessage(line, new Date())))
    if ('path' in this.#address) await this.#write(this.#address.path, messages, signal)
    else for (const message of messages) await this.#post(this.#address, message)
  }

  close(): void {
    this.#datagrams?.close()
    this.#stream?.destroy()
  }

  async #post({ host, port }: { readonly host: string; readonly port: number }, message: Uint8Array): Promise<void> {
    if (this.#datagrams === undefined) {
      this.#datagrams = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
      // Who does not listen makes the next datagram fail; it may listen later.
      this.#datagrams.on('error', () => {})
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#datagrams.send(message, port, host, (error) => (error === null ? resolve() : reject(error)))
    await promise
  }

  async #write(path: string, messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const stream = this.#stream ?? (await this.#connect(path, signal))
    const framed = Buffer.concat(messages.flatMap((message) => [Buffer.from(`${message.length} `), message]))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const broken = (): void => reject(new Error('the connection has ended'))
    stream.once('close', broken)
    stream.write(framed, (error) => (error ? reject(error) : resolve()))
    try {
      await promise
    } finally {
      stream.off('close', broken)
    }
  }

  async #connect(path: string, signal: AbortSignal): Promise<Socket> {
    const stream = connect(path)
    stream.on('error', () => {})
    stream.on('close', () => {
      if (this.#stream === stream) this.#stream = undefined
    })
    await once(stream, 'connect', { signal })
    this.#stream = stream
    return stream
  }
}
