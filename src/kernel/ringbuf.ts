/**
 * The reading end of a BPF ring buffer: it maps the pages and copies records out on the main thread, without a thread
 * of its own.
 */
import koffi, { type node } from 'koffi'
import type { BpfMap } from './bpf-map.ts'
import { KernelError } from './errno.ts'
import { lastErrno, libc } from './libc.ts'

const mmap = libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)')
const munmap = libc.func('int munmap(void *address, size_t length)')
const pageSize = libc.func('long sysconf(int name)')(30) as number

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_FAILED = 0xffffffffffffffffn

/** A record starts with its length, which includes these two flags, and 4 bytes of the kernel's own. */
const HEADER_SIZE = 8
const BUSY = 1 << 31
const DISCARDED = 1 << 30

/** Records that one turn of the event loop delivers before other work gets its turn. */
const RECORDS_PER_TURN = 256

interface Mapping {
  readonly address: bigint
  readonly buffer: ArrayBuffer
}

/**
 * One consumer of a ring buffer. There must be no other, in any process, because the map keeps the one consumer
 * position. Records that it leaves wait for the next consumer. When the ring is full, the datapath drops records.
 */
export class RingBuffer implements Disposable {
  readonly #fd: number
  readonly #mask: number
  readonly #consumer: Mapping
  readonly #producer: Mapping
  // Positions only grow. They are read and written in one piece, ordered against the records: Atomics does that.
  readonly #consumed: BigUint64Array
  readonly #produced: BigUint64Array
  readonly #headers: Int32Array
  readonly #data: Uint8Array
  #poll: node.PollHandle | undefined
  #open = true

  /** Bytes that programs have written so far, those among them that were read. */
  get written(): bigint {
    return Atomics.load(this.#produced, 0)
  }

  /** Map the buffer. The map must stay open as long as this is. */
  constructor(map: BpfMap) {
    this.#fd = map.fd
    this.#mask = map.maxEntries - 1
    this.#consumer = mapPages(map.fd, pageSize, PROT_READ | PROT_WRITE, 0)
    // The data pages are mapped twice, one after the other: a record that wraps is read in one piece.
    this.#producer = mapPages(map.fd, pageSize + 2 * map.maxEntries, PROT_READ, pageSize)
    this.#consumed = new BigUint64Array(this.#consumer.buffer, 0, 1)
    this.#produced = new BigUint64Array(this.#producer.buffer, 0, 1)
    this.#headers = new Int32Array(this.#producer.buffer, pageSize)
    this.#data = new Uint8Array(this.#producer.buffer, pageSize)
  }

  /** Deliver the records that are there now, at most `limit`. Gives their number. */
  drain(onRecord: (record: Uint8Array) => void, limit = Infinity): number {
    let delivered = 0
    while (this.#open && delivered < limit) {
      const position = Atomics.load(this.#consumed, 0)
      if (position >= Atomics.load(this.#produced, 0)) break
      const start = Number(position & BigInt(this.#mask))
      const header = Atomics.load(this.#headers, start / 4)
      if (header & BUSY) break
      const length = header & ~(BUSY | DISCARDED)
      const record = header & DISCARDED ? undefined : this.#data.slice(start + HEADER_SIZE, start + HEADER_SIZE + length)
      Atomics.store(this.#consumed, 0, position + BigInt(Math.ceil((HEADER_SIZE + length) / 8) * 8))
      if (!record) continue
      delivered++
      onRecord(record)
    }
    return delivered
  }

  /**
   * Deliver records as they come, on Node's own event loop, until `stop`. This does not keep the process alive. An
   * exception of `onRecord` is uncaught.
   */
  follow(onRecord: (record: Uint8Array) => void): void {
    if (this.#poll) throw new TypeError('the ring buffer is followed already')
    let scheduled = false
    // The poll's callback runs outside of Node's own scopes, where promises and exceptions would get lost. So it only
    // schedules. Records that are left after one turn make the descriptor readable again.
    const poll = koffi.node.poll(this.#fd, { readable: true }, () => {
      if (!scheduled) setImmediate(deliver)
      scheduled = true
    })
    const deliver = (): void => {
      scheduled = false
      for (let i = 0; i < RECORDS_PER_TURN && this.#poll === poll; i++) if (this.drain(onRecord, 1) === 0) return
    }
    poll.unref()
    this.#poll = poll
  }

  /** No record comes after the call. */
  stop(): void {
    this.#poll?.close()
    this.#poll = undefined
  }

  /** Stop and unmap. The map itself is not closed. */
  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.stop()
    munmap(this.#consumer.address, this.#consumer.buffer.byteLength)
    munmap(this.#producer.address, this.#producer.buffer.byteLength)
  }
}

function mapPages(fd: number, length: number, protection: number, offset: number): Mapping {
  const address: bigint = mmap(null, length, protection, MAP_SHARED, fd, offset)
  if (address === MAP_FAILED) throw new KernelError('mmap', lastErrno(), 'ring buffer')
  return { address, buffer: koffi.view(address, length) }
}
