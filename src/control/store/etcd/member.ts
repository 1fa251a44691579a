/**
 * One member of an etcd cluster: a connection for calls, and another for watches. On one connection large reads would
 * hold the watches up.
 */
import { Client, Metadata, type ClientDuplexStream } from '@grpc/grpc-js'
import { calls, type CallName, type RequestOf, type ResponseOf } from './calls.ts'
import { decode, encode, type Decoded, type Encoded } from './messages.ts'
import type { Security } from './security.ts'

/** Connections of their own, quick to come back, and no proxy between. */
const channelOptions = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.max_receive_message_length': -1,
  // etcd ends connections that ping more often than every 5 s. The driver notices a silent member by its own questions.
  'grpc.keepalive_time_ms': 6000,
  'grpc.keepalive_timeout_ms': 2000,
} as const

type Stream<C extends CallName> = ClientDuplexStream<Encoded<RequestOf<C>>, Decoded<ResponseOf<C>>>

export class Member {
  readonly endpoint: string
  readonly #calls: Client
  readonly #watches: Client

  constructor(endpoint: string, { credentials, options }: Security) {
    this.endpoint = endpoint
    this.#calls = new Client(endpoint, credentials, { ...channelOptions, ...options })
    this.#watches = new Client(endpoint, credentials, { ...channelOptions, ...options })
  }

  /** Ask once. Rejects with the error of gRPC. */
  call<C extends CallName>(name: C, request: Encoded<RequestOf<C>>, deadlineMs: number): Promise<Decoded<ResponseOf<C>>> {
    const { path, request: asks, response: answers } = calls[name]
    return new Promise((resolve, reject) => {
      this.#calls.makeUnaryRequest(
        path,
        (message: Encoded<RequestOf<C>>) => encode(asks, message),
        (bytes) => decode(answers, bytes) as Decoded<ResponseOf<C>>,
        request,
        needsLeader(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => (error ? reject(error) : resolve(answer!)),
      )
    })
  }

  /** Open a stream, on the connection for watches. */
  watch(): Stream<'watch'> {
    return open(this.#watches, 'watch', {})
  }

  /** Keep a lease alive once. The time that it then has, in seconds; 0: it has ended. */
  keepAlive(id: string, deadlineMs: number): Promise<number> {
    const stream = open(this.#calls, 'leaseKeepAlive', { deadline: Date.now() + deadlineMs })
    return new Promise<number>((resolve, reject) => {
      stream.on('data', ({ TTL }: Decoded<'LeaseKeepAliveResponse'>) => resolve(TTL.toNumber()))
      stream.on('error', reject)
      stream.write({ ID: id })
    }).finally(() => stream.cancel())
  }

  close(): void {
    this.#calls.close()
    this.#watches.close()
  }
}

/** A member that has lost its leader refuses at once instead of waiting for it. */
function needsLeader(): Metadata {
  const metadata = new Metadata()
  metadata.set('hasleader', 'true')
  return metadata
}

function open<C extends 'watch' | 'leaseKeepAlive'>(client: Client, name: C, options: { readonly deadline?: number }): Stream<C> {
  const { path, request, response } = calls[name]
  return client.makeBidiStreamRequest(
    path,
    (message: Encoded<RequestOf<C>>) => encode(request, message),
    (bytes) => decode(response, bytes) as Decoded<ResponseOf<C>>,
    needsLeader(),
    options,
  )
}
