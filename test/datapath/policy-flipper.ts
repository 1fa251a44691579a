/**
 * A thread that changes a port's policy over and over while packets pass, and looks what passes after each change, as
 * the operator would who has just removed a rule.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { StatsTable } from '#datapath/counters.ts'
import { BpfMap } from '#kernel/bpf-map.ts'

/** What the thread is given. */
interface Task {
  /** Of the maps; descriptors belong to all threads. */
  readonly policiesFd: number
  readonly statsFd: number
  readonly port: number
  readonly sender: number
  readonly allowing: Uint8Array
  readonly refusing: Uint8Array
  readonly rounds: number
  /** Whether it is done, and what it saw. */
  readonly state: Int32Array
}

export class PolicyFlipper implements AsyncDisposable {
  readonly #state = new Int32Array(new SharedArrayBuffer(8))
  readonly #worker: Worker

  constructor(policies: BpfMap, stats: BpfMap, rest: Omit<Task, 'policiesFd' | 'statsFd' | 'state'>) {
    const task: Task = { policiesFd: policies.fd, statsFd: stats.fd, state: this.#state, ...rest }
    this.#worker = new Worker(new URL(import.meta.url), { workerData: task })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }

  get isDone(): boolean {
    return Atomics.load(this.#state, 0) === 1
  }

  /** Packets that the port got after its policy had stopped allowing them, beyond the one that was on its way. */
  get late(): number {
    return Atomics.load(this.#state, 1)
  }
}

if (!isMainThread) {
  const task = workerData as Task
  Atomics.store(task.state, 1, flip(task))
  Atomics.store(task.state, 0, 1)
}

function flip({ policiesFd, statsFd, port, sender, allowing, refusing, rounds }: Task): number {
  const [policies, stats] = [new BpfMap(policiesFd), new StatsTable(new BpfMap(statsFd))]
  const key = new Uint8Array(Uint32Array.of(port).buffer)
  /** Wait until the sender has sent so many more. */
  const pass = (count: number): void => {
    const end = stats.read(sender).rxPackets + count
    while (stats.read(sender).rxPackets < end);
  }
  let late = 0
  for (let round = 0; round < rounds; round++) {
    policies.update(key, refusing)
    const before = stats.read(port).txPackets
    pass(500)
    late += Math.max(0, stats.read(port).txPackets - before - 1)
    policies.update(key, allowing)
    pass(500)
  }
  return late
}
