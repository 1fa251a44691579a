/** Events for one client: handed to the socket while it takes them, otherwise queued; the oldest are dropped first. */
import type { Socket } from 'node:net'
import { encodeFrame, frameKind } from '#abi/frame.ts'

export class EventOutput {
  readonly #socket: Socket
  readonly #limit: number
  #queue: Uint8Array[] = []
  #head = 0
  #dropped = 0
  #bytes = 0

  constructor(socket: Socket, limit: number) {
    this.#socket = socket
    this.#limit = limit
  }

  /** Bytes of events that wait here. */
  get bytes(): number {
    return this.#bytes
  }

  /** Send an event now or later. */
  push(event: Uint8Array): void {
    this.#queue.push(event)
    this.#bytes += event.length
    if (this.#queue.length - this.#head > this.#limit) {
      this.#bytes -= this.#queue[this.#head++]!.length
      this.#dropped++
    }
    this.flush()
  }

  /** Count an event that is not sent. */
  skip(): void {
    this.#dropped++
  }

  /** Hand over as many events as the socket takes. Call it when the socket has drained. */
  flush(): void {
    while (this.#head < this.#queue.length && this.#socket.writable && !this.#socket.writableNeedDrain) {
      const payload = this.#queue[this.#head++]!
      this.#bytes -= payload.length
      this.#socket.write(encodeFrame({ sequence: 0, kind: frameKind.event, word: this.#dropped, payload }))
      this.#dropped = 0
    }
    // The used front is cut off once it is as long as the rest, so that a push costs the same for any length.
    if (this.#head * 2 < this.#queue.length && this.#head < this.#limit) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }
}
