/** DNS messages in a TCP connection: each after its length, RFC 1035 section 4.2.2. */
import type { Socket } from 'node:net'

/** A message with its length. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Call back for each message that a connection brings. It holds one incomplete message at most. */
export function readFrames(socket: Socket, take: (message: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    held = Buffer.concat([held, data])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0)
      take(held.subarray(2, end))
      held = held.subarray(end)
    }
  })
}
