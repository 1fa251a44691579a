/** The serial console of a guest: its output is kept, and any number of people may watch and type. */
import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { BoundedLog } from './bounded-log.ts'

/** A watcher that falls further behind than this is disconnected, so that it does not make the others wait. */
const maxBehindBytes = 1 << 20

export class Console implements AsyncDisposable {
  readonly #serial: Socket
  readonly #server: Server
  readonly #watchers = new Set<Socket>()

  private constructor(serial: Socket, server: Server, log: BoundedLog) {
    this.#serial = serial
    this.#server = server
    serial.on('error', () => {})
    serial.on('data', (chunk: Buffer) => {
      log.write(chunk)
      for (const watcher of this.#watchers) this.#show(watcher, chunk)
    })
    server.on('connection', (watcher: Socket) => this.#admit(watcher))
  }

  /** Connect to QEMU's end and listen for watchers. */
  static async open(serialPath: string, path: string, log: BoundedLog): Promise<Console> {
    const serial = connect(serialPath)
    await once(serial, 'connect')
    rmSync(path, { force: true })
    const server = createServer()
    server.listen(path)
    await once(server, 'listening')
    chmodSync(path, 0o600)
    return new Console(serial, server, log)
  }

  #admit(watcher: Socket): void {
    this.#watchers.add(watcher)
    watcher.on('error', () => {})
    watcher.on('close', () => this.#watchers.delete(watcher))
    watcher.on('data', (chunk: Buffer) => {
      if (this.#serial.write(chunk)) return
      // The guest does not read its console: the typing person waits, and memory stays bounded.
      watcher.pause()
      this.#serial.once('drain', () => watcher.resume())
    })
  }

  #show(watcher: Socket, chunk: Buffer): void {
    if (watcher.writableLength > maxBehindBytes) watcher.destroy()
    else watcher.write(chunk)
  }

  /** Resolves when QEMU has closed its end, and all of its output is in the log. */
  async drained(timeoutMs = 500): Promise<void> {
    if (!this.#serial.closed) await Promise.race([once(this.#serial, 'close'), setTimeout(timeoutMs)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#serial.destroy()
    for (const watcher of this.#watchers) watcher.destroySoon()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    await promise
  }
}
