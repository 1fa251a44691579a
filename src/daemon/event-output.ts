/** Events on their way to one client: handed to the socket while it takes them, else kept, the oldest giving way. */
import type { Socket } from 'node:net'
import { encodeFrame, frameKind } from '#abi/frame.ts'

export class EventOutput {
  readonly #socket: Socket
  readonly #limit: number
  #queue: Uint8Array[] = []
  #head = 0
  #dropped = 0

  constructor(socket: Socket, limit: number) {
    this.#socket = socket
    this.#limit = limit
  }

  /** Send an event now or later. */
  push(event: Uint8Array): void {
    this.#queue.push(event)
    if (this.#queue.length - this.#head > this.#limit) {
      this.#head++
      this.#dropped++
    }
    this.flush()
  }

  /** Hand over what the socket takes. To be called when it has drained. */
  flush(): void {
    while (this.#head < this.#queue.length && this.#socket.writable && !this.#socket.writableNeedDrain) {
      const payload = this.#queue[this.#head++]!
      this.#socket.write(encodeFrame({ sequence: 0, kind: frameKind.event, word: this.#dropped, payload }))
      this.#dropped = 0
    }
    // The used front is cut off once it is as long as the rest, so that a push costs the same however long the queue is.
    if (this.#head * 2 < this.#queue.length && this.#head < this.#limit) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }
}
