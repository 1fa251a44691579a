/** `vpc issuer`: a process that has the CA's key and nothing else to do. */
import { chownSync, chmodSync, existsSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, Socket, type Server } from 'node:net'
import { join } from 'node:path'
import { fileProblem, isDenied } from '#system/file-problem.ts'
import type { StoreLocation } from '../store/location.ts'
import { silentLog, type Log } from '#system/log.ts'
import { ExposedSecret } from '#system/whole-file.ts'
import { Authority } from './authority.ts'
import { hostReader } from './host-reader.ts'
import { IssuerRefused } from './issuer.ts'
import { serveLines } from './lines.ts'
import { Signer } from './signer.ts'

export interface IssuerPlaces {
  readonly stateDir: string
  readonly store: StoreLocation
  readonly log?: Log
}

/** Where the issuer of a state directory listens. */
export const issuerSocket = (stateDir: string): string => join(stateDir, 'issuer.sock')

/** The CA is opened at the first question: then whoever asks hears why it cannot be. */
function answering({ stateDir, store, log = silentLog }: IssuerPlaces): (request: unknown) => Promise<object> {
  const directory = join(stateDir, 'ca')
  let opening: Promise<Signer> | undefined
  const open = async (): Promise<Signer> => {
    try {
      const authority = await Authority.open(directory)
      return new Signer({ authority, hostOf: await hostReader(store), journal: join(directory, 'issued.jsonl'), log })
    } catch (error) {
      opening = undefined
      log.error('cannot open the CA', { error })
      if (error instanceof ExposedSecret) throw new IssuerRefused(error.message)
      const { syscall, code } = error as NodeJS.ErrnoException
      if (syscall === undefined) throw error
      throw new IssuerRefused(`cannot keep the CA in ${directory}: ${fileProblem(error)}`, { isDenied: isDenied(code) })
    }
  }
  return async (request) => (await (opening ??= open())).answer(request)
}

/** Serve whoever has started this process, on a descriptor, until it ends. */
export async function serveParent(places: IssuerPlaces, descriptor: number): Promise<void> {
  await serveLines(new Socket({ fd: descriptor }), answering(places))
}

/** Serve on a Unix socket that one user may connect to. Throws when another issuer has it. */
export async function serveSocket(places: IssuerPlaces, path: string, uid: number | undefined): Promise<Server> {
  if (existsSync(path)) {
    if (await isAnswering(path)) throw new IssuerRefused(`another issuer listens on ${path}; it does for several APIs of this machine`)
    unlinkSync(path)
  }
  const answer = answering(places)
  // An early look, so that a start without a CA to use fails.
  await answer({ op: 'ca' })
  const server = createServer((socket) => void serveLines(socket, answer))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  const mask = process.umask(0o177)
  server.listen(path, resolve)
  process.umask(mask)
  await promise
  try {
    letIn(path, uid)
  } catch (error) {
    server.close()
    throw error
  }
  return server
}

/** Root gives the socket to the user; anybody else needs a directory that gives it the group of that user. */
function letIn(path: string, uid: number | undefined): void {
  const isRoot = process.geteuid?.() === 0
  if (uid === undefined || uid === process.geteuid?.()) return chmodSync(path, 0o600)
  if (isRoot) {
    chmodSync(path, 0o600)
    return chownSync(path, uid, -1 as unknown as number)
  }
  if (statSync(path).gid !== uid)
    throw new IssuerRefused(`cannot let user ${uid} in: only root can, or a directory of group ${uid} with mode 2750 for ${path}`)
  chmodSync(path, 0o660)
}

async function isAnswering(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path, () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
