/**
 * A thread that sets entries of one map over and over, so that their memory goes from one to the other all the time.
 */
import { once } from 'node:events'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { BpfMap } from '#kernel/bpf-map.ts'

/** What the thread is given. */
interface Task {
  /** Of the map; descriptors belong to all threads. */
  readonly fd: number
  readonly keys: Uint8Array
  readonly values: Uint8Array
  /** Not 0: it shall end. */
  readonly stop: Int32Array
  /** Set, and who waits for it is woken, when it has begun. */
  readonly begun: Int32Array
}

/** Each entry, so many times in one system call. */
const OFTEN = 512

/** Rewrites entries, with the values that they have now, until it is disposed of. */
export class Rewriter implements AsyncDisposable {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4))
  readonly #begun = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor(map: BpfMap, keys: readonly Uint8Array[]) {
    const often = (list: readonly Uint8Array[]): Buffer => Buffer.concat(Array.from({ length: OFTEN }, () => list).flat())
    const task: Task = {
      fd: map.fd,
      keys: often(keys),
      values: often(keys.map((key) => map.lookup(key)!)),
      stop: this.#stop,
      begun: this.#begun,
    }
    this.#worker = new Worker(new URL(import.meta.url), { workerData: task })
  }

  /** It has begun. */
  async begun(): Promise<void> {
    await Atomics.waitAsync(this.#begun, 0, 0).value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#stop, 0, 1)
    await once(this.#worker, 'exit')
  }
}

if (!isMainThread) rewrite(workerData as Task)

function rewrite({ fd, keys, values, stop, begun }: Task): void {
  const map = new BpfMap(fd)
  map.updateBatch(keys, values)
  Atomics.store(begun, 0, 1)
  Atomics.notify(begun, 0)
  while (Atomics.load(stop, 0) === 0) map.updateBatch(keys, values)
}
