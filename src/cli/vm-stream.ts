/** The stream of a guest that moves: out of QEMU's pipe, held back once, and on to the other host. */
import { execFileSync } from 'node:child_process'
import { constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { askTransfer } from '#vm/control.ts'
import { running } from '#vm/life.ts'
import type { VmDirectory } from '#vm/vm-directory.ts'
import { VmError } from '#vm/vm-error.ts'
import type { Transfer } from '#vm/transfer.ts'
import { writeData } from './vm-frames.ts'

/** What may be left of the memory when frames are sent to the other host: it is sent while they wait there. */
const leftBytes = 64 << 20
/** A page that has zeros alone takes so many bytes of the stream. */
const [pageBytes, emptyPageBytes] = [4096, 9]
/** What may be between QEMU and this process: the pipe, and buffers of both. */
const aheadBytes = 192 << 10
const leastBytes = 64 << 10

/** Make a pipe with a name in the directory of a machine; one that is there is of a transfer that ended. */
export function makePipe({ transferPipe: path }: VmDirectory): string {
  rmSync(path, { force: true })
  execFileSync('mkfifo', ['-m', '600', path])
  return path
}

/** The reader's end, open before anybody writes. */
export const readPipe = (path: string): Socket =>
  new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false })

/** The writer's end, open before anybody reads. QEMU sees when it is closed. A reader that is gone blocks nobody. */
export const writePipe = (path: string): Socket =>
  new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: false, writable: true })

const lookMs = 500

const isNearEnd = ({ remaining, total }: Transfer): boolean => remaining <= nearOf(total)
const nearOf = (total: number): number => Math.max(Math.min(leftBytes, total / 2), total / 20)

/**
 * Send the stream on. When little is left, nothing is read until `near` is done: QEMU waits, and its guest runs. `near`
 * is done before the end in any case. A supervisor that is killed meanwhile is started again. Throws VmError when QEMU
 * fails.
 */
export async function sendOn(from: Readable, to: Writable, directory: VmDirectory, near: () => Promise<void>): Promise<void> {
  let [isNear, budget] = [false, 0]
  let last: Promise<unknown> = Promise.resolve()
  // One after the other: two would start two supervisors.
  const look = (): Promise<Transfer> => {
    const answer = last.then(async () => askTransfer((await running(directory)).controlSocket))
    last = answer.catch(() => {})
    return answer
  }
  // A guest that stands still, and whose supervisor is gone, sends nothing.
  const timer = setInterval(() => void look().catch(() => {}), lookMs)
  using _ = { [Symbol.dispose]: () => clearInterval(timer) }
  for await (const chunk of from as AsyncIterable<Buffer>) {
    budget -= chunk.length
    if (!isNear && budget <= 0) {
      const transfer = await look()
      isNear = isNearEnd(transfer)
      if (isNear) await near()
      // However empty the memory is, so many bytes do not lead to its end.
      const pages = (transfer.remaining - nearOf(transfer.total)) / pageBytes
      budget = Math.max(leastBytes, pages * emptyPageBytes - aheadBytes)
    }
    await writeData(to, chunk)
  }
  const { status } = await look()
  if (status !== 'completed') throw new VmError('failed', `QEMU did not send its guest: it says ${status}`)
  if (!isNear) await near()
}
