/**
 * One stream of changes from one member of etcd, until it fails. The driver asks the member now and then whether it is
 * still there: the stream of a stopped one would never end by itself. A stream without changes for `quietMs` fails too.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { Decoded, Encoded } from './messages.ts'

export interface Patience {
  readonly signal: AbortSignal
  /** How often to ask whether the member is there. Two answers may be missing. */
  readonly askEveryMs: number
  /** How long no change may come. */
  readonly quietMs: number
  /** No change can come now. */
  readonly isQuiet: () => boolean
}

/** Changes that wait for the reader: etcd gets no more room beyond that. */
const mostWaiting = 1000

type Answer = Decoded<'WatchResponse'>

/** The answers of a stream. Throws when the stream fails, and when the member is silent. */
export async function* answersOf(
  stream: ClientDuplexStream<Encoded<'WatchRequest'>, Answer>,
  request: Encoded<'WatchCreateRequest'>,
  { signal, askEveryMs, quietMs, isQuiet }: Patience,
): AsyncGenerator<Answer, void> {
  const waiting: Answer[] = []
  let failure: Error | undefined
  let heard = performance.now()
  let changed = heard
  let wake = (): void => {}
  const fail = (error: Error): void => {
    failure ??= error
    wake()
  }
  stream.on('data', (answer: Answer) => {
    heard = performance.now()
    if (answer.events.length > 0) changed = heard
    waiting.push(answer)
    if (waiting.length >= mostWaiting) stream.pause()
    wake()
  })
  stream.on('error', fail)
  stream.on('end', () => fail(new Error('the member ended the watch')))
  const asking = setInterval(() => {
    // While it is paused, the reader is the slow one.
    const now = performance.now()
    if (stream.isPaused()) heard = changed = now
    if (isQuiet()) changed = now
    if (now - heard > 2.25 * askEveryMs) fail(new Error('the member is silent'))
    else if (now - changed > quietMs) fail(new Error('the member gives no changes'))
    stream.write({ progress_request: {} })
  }, askEveryMs)
  const abort = (): void => fail(new Error('aborted'))
  signal.addEventListener('abort', abort)
  try {
    stream.write({ create_request: request })
    for (;;) {
      for (let answer = waiting.shift(); answer !== undefined; answer = waiting.shift()) yield answer
      stream.resume()
      if (signal.aborted) return
      if (failure !== undefined) throw failure
      await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    clearInterval(asking)
    signal.removeEventListener('abort', abort)
    stream.cancel()
  }
}
