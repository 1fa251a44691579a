/**
 * One vpcd per network namespace: its devices have fixed names there, and it removes devices with its mark that are not
 * in its journal. The lock is an abstract Unix socket, which belongs to the namespace and ends with the process.
 */
import { connect, createServer, type Server } from 'node:net'
import { peerCredentials, type PeerCredentials } from '#kernel/peercred.ts'
import { StartRefused } from './start-refused.ts'
import type { Log } from '#system/log.ts'

const name = '\0vpcd'

/** Take the namespace for this vpcd. Throws StartRefused naming the vpcd that has it. */
export async function lockNamespace(log: Log): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy())
  if (await listens(server)) {
    server.unref()
    return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
  }
  const holder = await whoHolds()
  // Any user may take the name. A user other than vpcd's must not keep vpcd from starting.
  if (holder !== undefined && holder.uid !== process.geteuid!()) {
    log.warn('another user has the abstract socket vpcd: a second vpcd in this network namespace would not be noticed', { ...holder })
    return { [Symbol.asyncDispose]: async () => {} }
  }
  const who = holder === undefined ? 'another vpcd' : `another vpcd, process ${holder.pid},`
  throw new StartRefused(`${who} runs in this network namespace; stop it first, or start this one in a namespace of its own`)
}

function listens(server: Server): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(name, () => resolve(true))
  })
}

function whoHolds(): Promise<PeerCredentials | undefined> {
  return new Promise((resolve) => {
    const socket = connect(name)
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => {
      try {
        resolve(peerCredentials(socket))
      } catch {
        resolve(undefined)
      }
      socket.destroy()
    })
  })
}
