/**
 * Tables `flows` and `young`: what passes the ports that are in security groups. A port's confirmed flows are in a map
 * of its own, whose size is its quota.
 */
import { BpfMap, possibleCpus } from '#kernel/bpf-map.ts'
import { openInner, wordBytes as indexOf, wordOf } from './inner-map.ts'
import { flowSeconds } from './pickups.ts'
import { flow, flowKey, flowSlot, youngKey, type Flow, type FlowKey } from './policy-layout.ts'

/** BPF_F_NO_PREALLOC */
const noPrealloc = 1

export interface PortFlow {
  readonly key: FlowKey
  readonly flow: Flow
  /** Not in the port's own map. */
  readonly young: boolean
}

/** Elements of a table, and how many it can have. */
export interface Fill {
  readonly flows: number
  readonly maxFlows: number
}

export class FlowTable {
  readonly #flows: BpfMap
  readonly #young: BpfMap
  readonly #slots: BpfMap

  /** `slots`: what CPUs have counted and not given to the flows yet, see bpf/lib/flow-slot.h. */
  constructor(flows: BpfMap, young: BpfMap, slots: BpfMap) {
    this.#flows = flows
    this.#young = young
    this.#slots = slots
  }

  /** The ports that have a map. */
  known(): number[] {
    return this.#flows.keys().map(wordOf)
  }

  /** The quota of a port; undefined: it has no map. */
  quota(port: number): number | undefined {
    using own = this.openMap(port)
    return own?.maxEntries
  }

  /** How many confirmed flows a port has, of how many that it may have; undefined: it has no map. */
  fill(port: number): Fill | undefined {
    using own = this.openMap(port)
    return own && { flows: own.count(), maxFlows: own.maxEntries }
  }

  /** The same of the flows that are not confirmed, of all ports. */
  youngFill(): Fill {
    return { flows: this.#young.count(), maxFlows: this.#young.maxEntries }
  }

  /** Give a port a map of this size. Flows that it has go along, as many as fit. */
  setQuota(port: number, quota: number): void {
    using before = this.openMap(port)
    if (before?.maxEntries === quota) return
    using map = BpfMap.create({
      type: 'hash',
      keySize: flowKey.size,
      valueSize: flow.size,
      maxEntries: quota,
      flags: noPrealloc,
      name: 'port_flows',
    })
    const entries = before?.entries() ?? []
    for (const [key, value] of entries.slice(0, quota)) map.update(key, value)
    this.#flows.update(indexOf(port), indexOf(map.fd))
  }

  /** The port has no flows any more. Gives the peers of those it had: programs must forget them (`PeerEpochs`). */
  remove(port: number): Uint8Array[] {
    const peers = this.#keysOf(port).map((key) => flowKey.decode(key).outside)
    this.#flows.delete(indexOf(port))
    for (const key of this.#young.keys()) {
      const young = youngKey.decode(key)
      if (young.port !== port) continue
      this.#young.delete(key)
      peers.push(young.flow.outside)
    }
    return peers
  }

  /** The confirmed flows of a port, whose last packet is no older. */
  ofPort(port: number, uncounted = this.uncounted(), sinceS = 0): PortFlow[] {
    using own = this.openMap(port)
    return (own?.entries(isSince(sinceS)) ?? []).map(([key, value]) => ({
      key: flowKey.decode(key),
      flow: uncounted.add(port, key, value),
      young: false,
    }))
  }

  /** Flows that are not confirmed, by port. */
  young(uncounted = this.uncounted(), sinceS = 0): Map<number, PortFlow[]> {
    const found = new Map<number, PortFlow[]>()
    for (const [key, value] of this.#young.entries(isSince(sinceS))) {
      const { port, flow: own } = youngKey.decode(key)
      const flows = found.get(port) ?? []
      found.set(port, flows)
      flows.push({ key: own, flow: uncounted.add(port, key.subarray(4), value), young: true })
    }
    return found
  }

  /** What CPUs have counted beside the flows' own counters. */
  uncounted(): Uncounted {
    return new Uncounted(this.#slots)
  }

  /** Give a port a confirmed flow. */
  put(port: number, key: Uint8Array, value: Uint8Array): void {
    using own = this.openMap(port)
    own?.update(key, value)
  }

  /**
   * Give a port flows that it had on another host, but those that had a later packet here. Confirmed ones stay among
   * the unconfirmed while the port's own map is full. Gives how many were taken.
   */
  takeOver(port: number, flows: readonly PortFlow[]): number {
    using own = this.openMap(port)
    let taken = 0
    for (const { key, flow: moved, young } of flows) {
      const [ownKey, sharedKey] = [flowKey.encode(key), youngKey.encode({ port, flow: key })]
      const here = own?.lookup(ownKey) ?? this.#young.lookup(sharedKey)
      if (here !== undefined && flow.decode(here).lastS > moved.lastS) continue
      const value = flow.encode({ ...moved, check: flowCheck(sharedKey) })
      if (young || own === undefined || own.tryUpdateBatch(ownKey, value).errno !== 0) this.#young.update(sharedKey, value)
      else this.#young.delete(sharedKey)
      taken++
    }
    return taken
  }

  /** Have the last packets of a port's flows be so many seconds ago, for tests. */
  setIdle(port: number, seconds: number): void {
    const nowS = flowSeconds()
    using own = this.openMap(port)
    const aged = (value: Uint8Array): Uint8Array => {
      return flow.encode({ ...flow.decode(value), lastS: (nowS - seconds) >>> 0, tick: 0 })
    }
    for (const [key, value] of own?.entries() ?? []) own!.update(key, aged(value))
    for (const [key, value] of this.#young.entries()) if (youngKey.decode(key).port === port) this.#young.update(key, aged(value))
    this.forgetSlots()
  }

  /** Have CPUs look up every flow again, for tests. What they have counted stays. */
  forgetSlots(): void {
    for (const [key, value] of this.#slots.entries()) {
      if (value.every((byte) => byte === 0)) continue
      const view = new DataView(value.buffer, value.byteOffset)
      for (let cpu = 0; cpu < value.length; cpu += value.length / possibleCpus())
        for (const tick of [slotAt.filled, slotAt.tick]) view.setUint32(cpu + tick, view.getUint32(cpu + tick, true) - 1000, true)
      this.#slots.update(key, value)
    }
  }

  #keysOf(port: number): Uint8Array[] {
    using own = this.openMap(port)
    return [...(own?.keys() ?? [])]
  }

  /** The map of a port's confirmed flows, with a descriptor of its own. */
  openMap(port: number): BpfMap | undefined {
    return openInner(this.#flows, port)
  }
}

/** Whether a flow had a packet since then; 0: all are wanted. */
const isSince = (sinceS: number): ((values: DataView, at: number) => boolean) | undefined =>
  sinceS === 0 ? undefined : (values, at) => values.getUint32(at + flow.offsets.lastS, true) >= sinceS

/** flow_check of bpf/lib/flow.h. */
export function flowCheck(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset)
  let hash = 0
  for (let at = 0; at < youngKey.size; at += 4) hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1) >>> 0
  return hash
}

const slotAt = flowSlot.offsets

/** Packets of flows that only the slots of CPUs have counted. */
export class Uncounted {
  readonly #slots = new Map<string, Uint8Array[]>()

  constructor(slots: BpfMap) {
    const cpus = possibleCpus()
    const stride = slots.slotSize / cpus
    for (const { values, count } of slots.batches())
      for (let at = 0; at < count * slots.slotSize; at += stride) {
        const { view } = values
        if (view.getUint32(at + slotAt.packets, true) + view.getUint32(at + slotAt.packets + 4, true) === 0) continue
        const slot = values.bytes.slice(at, at + flowSlot.size)
        const key = Buffer.from(slot.subarray(0, youngKey.size)).toString('latin1')
        this.#slots.set(key, [...(this.#slots.get(key) ?? []), slot])
      }
  }

  /** Of how many flows. */
  get size(): number {
    return this.#slots.size
  }

  /** A flow as its bytes say, with these packets. */
  add(port: number, key: Uint8Array, value: Uint8Array): Flow {
    const known = flow.decode(value)
    const cpus = this.#slots.get(Buffer.concat([indexOf(port), key]).toString('latin1')) ?? []
    const slots = cpus.map((cpu) => flowSlot.decode(cpu)).filter(({ birth }) => birth === known.birth)
    const sum = (counts: readonly bigint[], of: 'packets' | 'bytes'): bigint[] =>
      counts.map((count, way) => slots.reduce((all, slot) => all + BigInt(slot[of][way]!), count))
    return slots.length === 0 ? known : { ...known, packets: sum(known.packets, 'packets'), bytes: sum(known.bytes, 'bytes') }
  }
}
