/** `vpc vm receive`: the other side of `vpc vm migrate`, which starts it on the host that a guest moves to. */
import type { Vpc } from '#client/vpc.ts'
import { once } from 'node:events'
import { askSupervisor } from '#vm/control.ts'
import type { VmDefinition } from '#vm/definition.ts'
import { createVm, destroyVm, runVm } from '#vm/life.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import { Failure } from './failure.ts'
import { baseOf } from './vm-options.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { framesOf, type Frame, type Note } from './vm-frames.ts'
import { makePipe, writePipe } from './vm-stream.ts'

/** What it says, a line of JSON each. */
export type ReceiveReport = { readonly ready: true } | { readonly flows: true } | { readonly running: true }

const waitMs = 30_000

/** Read a machine, then its guest, from the input; have it run here. When anything fails, nothing is left here. */
export async function receiveVm(vmDir: string | undefined, vpc: () => Promise<Vpc>, say: (report: ReceiveReport) => void): Promise<void> {
  const frames = framesOf(process.stdin)
  const machine = await machineIn(frames)
  const directory = new VmDirectory(baseOf(vmDir), machine.id)
  await tellingVmErrors(async () => {
    createVm(directory, machine)
    try {
      const pipe = makePipe(directory)
      const guest = writePipe(pipe)
      guest.on('error', () => {})
      await runVm(directory, vpc, { timeoutMs: waitMs, progress, incoming: pipe })
      say({ ready: true })
      for await (const frame of frames) {
        if ('note' in frame) {
          await takeFlows(await vpc(), frame.note)
          say({ flows: true })
        } else if (!guest.write(frame.data)) await once(guest, 'drain')
      }
      await new Promise<void>((resolve) => guest.end(resolve))
      await askSupervisor(directory.controlSocket, { ask: 'take over' })
    } catch (error) {
      await destroyVm(directory, { isForced: true })
      throw error
    }
  })
  say({ running: true })
}

async function machineIn(frames: AsyncGenerator<Frame>): Promise<VmDefinition> {
  const { value } = await frames.next()
  const frame = value as Frame | undefined
  if (frame !== undefined && 'note' in frame && 'machine' in frame.note) return frame.note.machine
  throw new Failure('usage', 'vm receive gets a machine and its guest on its input, from vpc vm migrate on another host')
}

async function takeFlows(vpc: Vpc, note: Note): Promise<void> {
  for (const { port: id, document } of 'flows' in note ? note.flows : []) {
    await using port = await vpc.openPort(id, { write: true })
    await port.importFlows(document)
  }
}
