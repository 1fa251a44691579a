/**
 * One program run on one packet over and over, with next to nothing in between. The memory stays the same, so the
 * caches are the program's. The packet may be changed between runs; the program's output goes elsewhere.
 */
import { bpf } from '#kernel/bpf.ts'
import { encodeSkBuff, skBuff } from '#kernel/bpf-program.ts'
import { allocate, allocateCopy, type Memory } from '#kernel/memory.ts'
import type { PacketContext } from '#datapath/test-run.ts'

/** Offsets in union bpf_attr for BPF_PROG_TEST_RUN. */
const attr = {
  size: 80,
  progFd: 0,
  dataSizeIn: 8,
  dataSizeOut: 12,
  dataIn: 16,
  dataOut: 24,
  repeat: 32,
  duration: 36,
  contextSizeIn: 40,
  contextSizeOut: 44,
  contextIn: 48,
  contextOut: 56,
} as const

/** Where in a __sk_buff the program leaves the device that it sends to: the second word of `cb`. */
const SENT_TO = 13 * 4
const OUT_BYTES = 2048

export class TestLoop {
  /** The packet of the next run. */
  readonly packet: Uint8Array
  readonly #attr = new DataView(new ArrayBuffer(attr.size))
  readonly #bytes = new Uint8Array(this.#attr.buffer)
  readonly #contextOut = allocate(skBuff.size)
  /** The objects whose addresses the kernel has. */
  readonly #kept: readonly Memory[]

  constructor(programFd: number, packet: Uint8Array, context: PacketContext) {
    const [input, output, contextIn] = [allocateCopy(packet), allocate(OUT_BYTES), allocateCopy(encodeSkBuff(context))]
    this.packet = input.bytes
    this.#kept = [input, output, contextIn, this.#contextOut]
    const numbers = { progFd: programFd, dataSizeIn: packet.length, repeat: 1, contextSizeIn: skBuff.size, contextSizeOut: skBuff.size }
    for (const [name, value] of Object.entries(numbers)) this.#attr.setUint32(attr[name as keyof typeof numbers], value, true)
    const addresses = { dataIn: input, dataOut: output, contextIn, contextOut: this.#contextOut }
    for (const [name, { address }] of Object.entries(addresses))
      this.#attr.setBigUint64(attr[name as keyof typeof addresses], address, true)
  }

  /** Nanoseconds of one run. */
  run(): number {
    this.#attr.setUint32(attr.dataSizeOut, OUT_BYTES, true)
    bpf('PROG_TEST_RUN', this.#bytes)
    return this.#attr.getUint32(attr.duration, true)
  }

  /** The device that the last run sent its packet to. */
  get sentTo(): number {
    return this.#kept.length && this.#contextOut.view.getUint32(SENT_TO, true)
  }
}
