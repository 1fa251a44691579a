/** Sends server-sent events to one reader. One that is too slow is told to begin anew: nothing is kept for it. */

const bufferBytes = 1 << 20
const encoder = new TextEncoder()

export const eventHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

export class EventSink {
  readonly #ended: () => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined

  /** `ended` is called once, when the stream is closed from either side. */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  get isOpen(): boolean {
    return this.#controller !== undefined
  }

  /** The body of an answer. `begin` sends the first events. */
  open(begin: () => void): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          begin()
        },
        cancel: () => this.close(),
      },
      { highWaterMark: bufferBytes, size: (chunk) => chunk.byteLength },
    )
  }

  send(event: string, id: number | undefined, data: unknown): void {
    const controller = this.#controller
    if (controller === undefined) return
    const isFull = (controller.desiredSize ?? 0) <= 0 && event !== 'reset'
    const text = isFull
      ? 'event: reset\ndata: {"reason":"you read too slowly"}\n\n'
      : `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
    controller.enqueue(encoder.encode(text))
    if (isFull) this.close()
  }

  close(): void {
    const controller = this.#controller
    if (controller === undefined) return
    this.#controller = undefined
    this.#ended()
    try {
      controller.close()
    } catch {
      // Its reader has gone.
    }
  }
}
