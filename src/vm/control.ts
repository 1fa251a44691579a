/**
 * How commands talk to a machine's supervisor: one request for each connection, a line of JSON, answered by a line of
 * JSON.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { DiskState } from './disk-copy.ts'
import type { Transfer } from './transfer.ts'
import { VmError, type VmErrorCode } from './vm-error.ts'
import type { GuestVmnic, VmState } from './vm-state.ts'

export type ControlRequest =
  /** End the guest: ask it to power off, and end it after a time; at once with `force`. */
  | { readonly ask: 'stop'; readonly timeoutMs: number; readonly force: boolean }
  | { readonly ask: 'attach'; readonly vmnic: GuestVmnic }
  | { readonly ask: 'detach'; readonly id: string }
  | { readonly ask: 'reset' }
  /** Send the guest into a pipe that somebody reads; have it run here after all; say how far it is. */
  | { readonly ask: 'send'; readonly pipe: string }
  /** Let the disk be written through a socket; copy it to who listens there; say its size, and how far its copy is. */
  | { readonly ask: 'export disk'; readonly socket: string }
  | { readonly ask: 'copy disk'; readonly socket: string }
  | { readonly ask: 'disk' }
  | { readonly ask: 'keep' }
  | { readonly ask: 'transfer' }
  /** The guest has been sent here: have it run; or end what has come of it, unless it runs. */
  | { readonly ask: 'take over' }
  | { readonly ask: 'give up' }

/** What some requests ask for. */
export interface Told {
  readonly transfer?: Transfer
  readonly disk?: DiskState
}

export type ControlAnswer =
  | ({ readonly state: VmState } & Told)
  | { readonly error: { readonly code: VmErrorCode; readonly message: string } }

/** An error as the other side gets it. */
export function answerOf(error: unknown): ControlAnswer {
  const code = error instanceof Error && 'code' in error ? (String(error.code) as VmErrorCode) : 'failed'
  return { error: { code, message: error instanceof Error ? error.message : String(error) } }
}

/** The first line; undefined when the other side closes without one. */
export async function readLine(socket: Socket, limit = 1 << 20): Promise<string | undefined> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end)
    if (text.length > limit) return undefined
  }
  return undefined
}

/**
 * Ask a machine's supervisor, and wait for its answer. Throws VmError: ENOTCONN when there is none, or the supervisor's
 * own error.
 */
export async function askSupervisor(path: string, request: ControlRequest): Promise<VmState> {
  return (await answerTo(path, request)).state
}

/** How far the transfer of a guest is. */
export async function askTransfer(path: string): Promise<Transfer> {
  return (await answerTo(path, { ask: 'transfer' })).transfer!
}

/** How large the disk of a guest is, and how far its copy. Throws VmError ENOENT when it has none. */
export async function askDisk(path: string): Promise<DiskState> {
  return (await answerTo(path, { ask: 'disk' })).disk!
}

async function answerTo(path: string, request: ControlRequest): Promise<Exclude<ControlAnswer, { error: unknown }>> {
  const socket = connect(path)
  socket.on('error', () => {})
  try {
    await once(socket, 'connect')
  } catch (error) {
    throw new VmError('ENOTCONN', `nobody supervises this machine: ${(error as Error).message}`, { cause: error })
  }
  try {
    socket.write(`${JSON.stringify(request)}\n`)
    const line = await readLine(socket)
    if (line === undefined) throw new VmError('ENOTCONN', 'the supervisor ended before it answered; try again')
    const answer = JSON.parse(line) as ControlAnswer
    if ('error' in answer) throw new VmError(answer.error.code, answer.error.message)
    return answer
  } finally {
    socket.destroy()
  }
}
