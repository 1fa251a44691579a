/**
 * A thread that sets entries of one map over and over, so that their memory goes from one to the other all the time. As
 * vpcd does, it begins another generation before it sets an entry again.
 */
import { once } from 'node:events'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { Generation } from '#datapath/generation.ts'
import { BpfMap } from '#kernel/bpf-map.ts'

/** What the thread is given. */
interface Task {
  /** Of the map; descriptors belong to all threads. */
  readonly fd: number
  readonly generationFd: number
  readonly keys: Uint8Array
  readonly values: Uint8Array
  /** Not 0: it shall end. */
  readonly stop: Int32Array
  /** Set, and who waits for it is woken, when it has begun. */
  readonly begun: Int32Array
}

/** Rewrites entries, with the values that they have now, until it is disposed of. */
export class Rewriter implements AsyncDisposable {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4))
  readonly #begun = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor(map: BpfMap, generation: BpfMap, keys: readonly Uint8Array[]) {
    const task: Task = {
      fd: map.fd,
      generationFd: generation.fd,
      keys: Buffer.concat(keys),
      values: Buffer.concat(keys.map((key) => map.lookup(key)!)),
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

function rewrite({ fd, generationFd, keys, values, stop, begun }: Task): void {
  const [map, generation] = [new BpfMap(fd), new Generation(new BpfMap(generationFd))]
  map.updateBatch(keys, values)
  Atomics.store(begun, 0, 1)
  Atomics.notify(begun, 0)
  while (Atomics.load(stop, 0) === 0) {
    generation.next()
    map.updateBatch(keys, values)
  }
}
