/** A server over an EchoHost on a socket of its own, and a client that sends it whatever bytes a test wants. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handleType, openFlag } from '#abi/command.ts'
import { encodeFrame, frameKind, FrameReader, openRequest, type Frame } from '#abi/frame.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { Vpc } from '#client/vpc.ts'
import type { Limits } from '#daemon/limits.ts'
import type { Log } from '#system/log.ts'
import type { Caller } from '#daemon/opener.ts'
import { Server } from '#daemon/server.ts'
import { peerCredentialsOf } from '#kernel/peercred.ts'
import { EchoHost } from './echo-host.ts'

export interface EchoServer extends AsyncDisposable {
  readonly host: EchoHost
  readonly server: Server
  readonly socketPath: string
  readonly vpc: Vpc
}

export interface EchoOptions {
  readonly limits?: Partial<Limits>
  readonly log?: Log
  readonly peerOf?: (fd: number) => Caller
}

export async function echoServer({ limits, log, peerOf = peerCredentialsOf }: EchoOptions = {}): Promise<EchoServer> {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-echo-'))
  const socketPath = join(directory, 'vpcd.sock')
  const host = new EchoHost()
  const server = await Server.listen({ socketPath, opener: host, peerOf, limits, log })
  return {
    host,
    server,
    socketPath,
    vpc: new Vpc({ socketPath }),
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** The bytes of an OPEN of a new object. */
export const openFrame = (sequence = 1, flags: number = openFlag.create | openFlag.read | openFlag.write): Uint8Array =>
  encodeFrame({
    sequence,
    kind: frameKind.open,
    word: 0,
    payload: openRequest.encode({ id: idBytes(generateId('vpcsw')), handleType: handleType('vpcsw'), flags: BigInt(flags) }),
  })

export const ctlFrame = (sequence: number, command: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array =>
  encodeFrame({ sequence, kind: frameKind.ctl, word: command, payload })

/** A client without manners. */
export class RawClient implements Disposable {
  readonly socket: Socket
  readonly frames: Frame[] = []
  readonly #reader = new FrameReader()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.frames.push(...this.#reader.push(chunk).frames))
  }

  static async connect(path: string): Promise<RawClient> {
    const socket = connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The frames so far once there are as many, or once the server has closed its side. */
  async received(count = Infinity): Promise<Frame[]> {
    await until(() => this.frames.length >= count || this.socket.readableEnded || this.socket.destroyed)
    return this.frames
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Wait for something to become true. Throws when it does not within the time. */
export async function until(condition: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
