/** Table `queues`: counters of packets from guests through each queue of a vmnic, summed over CPUs. */
import { encodeArray } from '#abi/layouts.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { maxQueues, queue as layout, queueKey } from './layout.ts'

export interface QueueReceives {
  readonly packets: number
  readonly bytes: number
}

export class QueuesTable {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Counters of one queue of a device. */
  read(ifindex: number, queue: number): QueueReceives {
    const sum = { packets: 0, bytes: 0 }
    for (const bytes of this.#map.lookupPerCpu(queueKey.encode({ ifindex, queue })) ?? []) {
      const { rxPackets, rxBytes } = layout.decode(bytes)
      sum.packets += Number(rxPackets)
      sum.bytes += Number(rxBytes)
    }
    return sum
  }

  /** Forget a device's. */
  clear(ifindex: number): void {
    this.#map.deleteBatch(
      encodeArray(
        queueKey,
        Array.from({ length: maxQueues }, (_, queue) => ({ ifindex, queue })),
      ),
    )
  }

  /** Forget those of devices that are gone. */
  keep(isThere: (ifindex: number) => boolean): void {
    const known = new Set(this.#map.entries().map(([key]) => queueKey.decode(key).ifindex))
    for (const ifindex of known) if (!isThere(ifindex)) this.clear(ifindex)
  }
}
