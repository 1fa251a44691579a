/** A connected socket of a vpcd. */
import { Socket } from 'node:net'
import { deferred } from './deferred.ts'

/** Throws what connect(2) says. */
export function connectSocket(path: string): Promise<Socket> {
  const { promise, resolve, reject } = deferred<Socket>()
  const socket = new Socket()
  socket.once('error', reject)
  socket.connect(path, () => {
    socket.off('error', reject)
    resolve(socket)
  })
  return promise
}
