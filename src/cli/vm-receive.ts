/** `vpc vm receive`: the other side of `vpc vm migrate`, which starts it on the host that a guest moves to. */
import type { Vpc } from '#client/vpc.ts'
import { connect, type Socket } from 'node:net'
import { askSupervisor } from '#vm/control.ts'
import { diskFormats } from '#vm/definition.ts'
import { destroyVm, discardUnreceived, isUp, running, runVm } from '#vm/life.ts'
import { createReceived } from '#vm/received-machine.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import { Failure } from './failure.ts'
import { baseOf, parseUuid } from './vm-options.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { framesOf, writeWhole, type Frame, type Note } from './vm-frames.ts'
import { makePipe, writePipe } from './vm-stream.ts'

/** What it says, a line of JSON each. `settled`: what became of an earlier try; null: it has left nothing. */
export type ReceiveReport =
  | { readonly ready: true }
  | { readonly flows: true }
  | { readonly running: true }
  | { readonly settled: 'taken over' | 'ended since' | null }

const waitMs = 30_000
const watchMs = 200

/**
 * Read a machine, then its guest, from the input; have it run here. When anything fails, nothing is left here. Or say
 * what became of an earlier try, and end what it left.
 */
export async function receiveVm(vmDir: string | undefined, vpc: () => Promise<Vpc>, say: (report: ReceiveReport) => void): Promise<void> {
  const frames = framesOf(process.stdin)
  try {
    const note = await firstNote(frames)
    await tellingVmErrors(async () => {
      if ('settle' in note) {
        const settled = await discardUnreceived(new VmDirectory(baseOf(vmDir), note.settle))
        return say({ settled: settled ?? null })
      }
      const directory = new VmDirectory(baseOf(vmDir), note.machine.id)
      await discardUnreceived(directory)
      await receive(directory, note, { frames, vpc, say })
      say({ running: true })
    })
  } finally {
    process.stdin.destroy()
  }
}

type MachineNote = Extract<Note, { machine: unknown }>
type SettleNote = Extract<Note, { settle: unknown }>

interface Receiving {
  readonly frames: AsyncGenerator<Frame>
  readonly vpc: () => Promise<Vpc>
  readonly say: (report: ReceiveReport) => void
}

async function receive(directory: VmDirectory, { machine, disk }: MachineNote, receiving: Receiving): Promise<void> {
  createReceived(directory, machine, disk)
  try {
    const pipe = makePipe(directory)
    const guest = writePipe(pipe)
    guest.on('error', () => {})
    await runVm(directory, receiving.vpc, { timeoutMs: waitMs, progress, incoming: pipe })
    if (disk !== undefined) await askSupervisor(directory.controlSocket, { ask: 'export disk', socket: directory.diskSocket })
    receiving.say({ ready: true })
    await untilItEnds(directory, takeAll(guest, receiving))
    // Its supervisor may have been killed meanwhile.
    await askSupervisor((await running(directory)).controlSocket, { ask: 'take over' })
  } catch (error) {
    await destroyVm(directory, { isForced: true })
    throw error
  }
}

/** Connect input and output with the disk of a machine whose guest is to come, to the end of either. */
export async function receiveDisk(directory: VmDirectory): Promise<void> {
  const socket = connect(directory.diskSocket)
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  process.stdin.pipe(socket)
  socket.pipe(process.stdout)
  await ended
  process.stdin.destroy()
}

/** Hand the guest over to QEMU, to its end. */
async function takeAll(guest: Socket, { frames, vpc, say }: Receiving): Promise<void> {
  for await (const frame of frames) {
    if ('data' in frame) await writeWhole(guest, frame.data)
    else if ('end' in frame.note) return void (await new Promise<void>((resolve) => guest.end(resolve)))
    else {
      await takeFlows(await vpc(), frame.note)
      say({ flows: true })
    }
  }
  throw new Failure('failed', 'the guest was broken off on its way')
}

/** Do something while QEMU is there. Throws when QEMU ends before that is done. */
async function untilItEnds(directory: VmDirectory, work: Promise<void>): Promise<void> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const timer = setInterval(() => {
    const state = directory.state()
    if (!isUp(state)) reject(new Failure('failed', `QEMU ended before it had the guest: ${state?.end?.detail ?? 'nobody saw why'}`))
  }, watchMs)
  work.catch(() => {})
  try {
    await Promise.race([work, ended])
  } finally {
    clearInterval(timer)
  }
}

async function firstNote(frames: AsyncGenerator<Frame>): Promise<MachineNote | SettleNote> {
  const { value } = await frames.next()
  const frame = value as Frame | undefined
  const note: unknown = frame !== undefined && 'note' in frame ? frame.note : undefined
  if (typeof note === 'object' && note !== null && ('machine' in note || 'settle' in note)) {
    checkNote(note as MachineNote | SettleNote)
    return note as MachineNote | SettleNote
  }
  throw new Failure('usage', 'vm receive gets a machine and its guest on its input, from vpc vm migrate on another host')
}

/** The other host is another computer: what it says becomes paths and words of commands here. Throws a Failure. */
function checkNote(note: MachineNote | SettleNote): void {
  const id = parseUuid(String('settle' in note ? note.settle : note.machine?.id))
  if (!id.ok) throw new Failure('usage', `the other host names no machine: ${id.problem}`)
  if ('settle' in note) return
  const { machine, disk } = note
  const format = machine.diskFormat ?? 'raw'
  if (!diskFormats.includes(format))
    throw new Failure('usage', `this host does not know disk format '${String(format)}'; it knows ${diskFormats.join(', ')}`)
  for (const bytes of disk === undefined ? [] : [disk.bytes, disk.allocatedBytes])
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Failure('usage', `a disk has a number of bytes, not ${JSON.stringify(bytes)}`)
}

async function takeFlows(vpc: Vpc, note: Note): Promise<void> {
  for (const { port: id, document } of 'flows' in note ? note.flows : []) {
    await using port = await vpc.openPort(id, { write: true })
    await port.importFlows(document)
  }
}
