/** Sockets on which a started program accepts, and descriptors for a running one, with errors in words. */
import type { Socket } from 'node:net'
import { rmSync } from 'node:fs'
import { connectToPath, listenOnPath, maxSocketPathBytes, sendWithDescriptors } from '#kernel/unix-socket.ts'
import { LaunchError } from './launch-error.ts'

/** Listen on a path for a program that inherits the descriptor. A left-over socket is replaced. */
export function listenFor(path: string): number {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new LaunchError(
      `${path} is too long for a socket, which takes ${maxSocketPathBytes} bytes; choose a shorter directory`,
      'ENAMETOOLONG',
    )
  }
  rmSync(path, { force: true })
  return listenOnPath(path)
}

/** Connect to a path for a program that gets the descriptor. Throws KernelError when nobody listens there. */
export const connectTo = (path: string): number => connectToPath(path)

/** Send bytes with copies of descriptors. */
export const sendDescriptors = (to: Socket, data: Uint8Array, fds: readonly number[]): void => sendWithDescriptors(to, data, fds)
