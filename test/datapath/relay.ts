/**
 * A virtual machine without the machine: frames go between a unit's tap and a tap in a guest's namespace, virtio
 * headers and all.
 */
import { readSync, writeSync } from 'node:fs'
import { close } from '#kernel/libc.ts'
import { openTapQueue } from '#kernel/tap.ts'
import type { Space } from './fabric.ts'

/** struct virtio_net_hdr of a frame that the unit's tap gave. */
export interface Delivered {
  readonly gsoType: number
  readonly gsoSize: number
  readonly needsChecksum: boolean
  readonly length: number
}

const VNET_HEADER = 12

export class Relay implements Disposable {
  /** What the unit's side gave, in order. */
  readonly delivered: Delivered[] = []
  readonly #unit: number
  readonly #guest: number
  #stopped = false

  /** `unit`: name of a tap of the host; `guest`: name of a tap to make in the guest's namespace. */
  constructor(host: Space, unit: string, space: Space, guest: string) {
    this.#unit = host.netns.run(() => openTapQueue({ name: unit }))
    this.#guest = space.netns.run(() => openTapQueue({ name: guest }))
    this.#turn()
  }

  #turn(): void {
    if (this.#stopped) return
    const frame = Buffer.alloc(70_000)
    for (let i = 0; i < 64; i++) {
      const down = receive(this.#unit, frame)
      if (down > 0) {
        const gsoSize = frame.readUInt16LE(4)
        this.delivered.push({ gsoType: frame[1]!, gsoSize, needsChecksum: (frame[0]! & 1) !== 0, length: down - VNET_HEADER })
        writeSync(this.#guest, frame, 0, down)
      }
      const up = receive(this.#guest, frame)
      if (up > 0) writeSync(this.#unit, frame, 0, up)
      if (down <= 0 && up <= 0) break
    }
    setImmediate(() => this.#turn())
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    close(this.#unit)
    close(this.#guest)
  }
}

function receive(fd: number, frame: Buffer): number {
  try {
    return readSync(fd, frame)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}
