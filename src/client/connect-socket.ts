/** A connected socket of a vpcd. */
import { Socket } from 'node:net'

/** Throws what connect(2) says. */
export function connectSocket(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = new Socket()
  socket.once('error', reject)
  socket.connect(path, () => {
    socket.off('error', reject)
    resolve(socket)
  })
  return promise
}
