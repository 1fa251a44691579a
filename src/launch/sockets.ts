/** Sockets that a started program accepts on, and descriptors handed to one that runs: the kernel's part of it, with errors for people. */
import type { Socket } from 'node:net'
import { rmSync } from 'node:fs'
import { listenOnPath, maxSocketPathBytes, sendWithDescriptors } from '#kernel/unix-socket.ts'
import { LaunchError } from './launch-error.ts'

/** Listen on a path for a program that inherits the descriptor. A socket that was left there gives way. */
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

/** Send bytes with copies of descriptors. */
export const sendDescriptors = (to: Socket, data: Uint8Array, fds: readonly number[]): void => sendWithDescriptors(to, data, fds)
