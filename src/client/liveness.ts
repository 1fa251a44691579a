/**
 * Whether a vpcd that does not answer one client answers others. An operation may take long; a stopped vpcd never
 * answers.
 */
import { openFlag, handleType } from '#abi/command.ts'
import { encodeFrame, frameKind, openRequest } from '#abi/frame.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { connectSocket } from './connect-socket.ts'
import { deferred } from './deferred.ts'

/** Whether it answers a new connection within a time: a refusal counts, too. */
export async function isAlive(path: string, withinMs: number): Promise<boolean> {
  const { promise, resolve } = deferred<boolean>()
  const timer = setTimeout(() => resolve(false), withinMs)
  const socket = await connectSocket(path).catch(() => undefined)
  try {
    if (socket === undefined) return false
    socket.on('error', () => {})
    socket.once('data', () => resolve(true))
    socket.once('close', () => resolve(true))
    const open = { id: idBytes(generateId('mgmt')), handleType: handleType('mgmt'), flags: BigInt(openFlag.create | openFlag.read) }
    socket.write(encodeFrame({ sequence: 1, kind: frameKind.open, word: 0, payload: openRequest.encode(open) }))
    return await promise
  } finally {
    clearTimeout(timer)
    socket?.destroy()
  }
}
