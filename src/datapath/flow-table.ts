/**
 * Tables `flows` and `young`: what passes the ports that are in security groups. A port's confirmed flows are in a map
 * of its own, whose size is its quota.
 */
import { u32 } from '#abi/c-struct.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { flow, flowKey, youngKey, type Flow, type FlowKey } from './policy-layout.ts'

/** BPF_F_NO_PREALLOC */
const noPrealloc = 1

export interface PortFlow {
  readonly key: FlowKey
  readonly flow: Flow
  /** Not in the port's own map. */
  readonly young: boolean
}

const indexOf = (port: number): Uint8Array => new Uint8Array(Uint32Array.of(port).buffer)

export class FlowTable {
  readonly #flows: BpfMap
  readonly #young: BpfMap

  constructor(flows: BpfMap, young: BpfMap) {
    this.#flows = flows
    this.#young = young
  }

  /** The ports that have a map. */
  known(): number[] {
    return this.#flows.keys().map((key) => u32.read(new DataView(key.buffer, key.byteOffset), 0))
  }

  /** The quota of a port; undefined: it has no map. */
  quota(port: number): number | undefined {
    using own = this.#open(port)
    return own?.maxEntries
  }

  /** Give a port a map of this size. Flows that it has go along, as many as fit. */
  setQuota(port: number, quota: number): void {
    using before = this.#open(port)
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

  /** The port has no flows any more. */
  remove(port: number): void {
    this.#flows.delete(indexOf(port))
    for (const key of this.#young.keys()) if (youngKey.decode(key).port === port) this.#young.delete(key)
  }

  /** The confirmed flows of a port. */
  ofPort(port: number): PortFlow[] {
    using own = this.#open(port)
    return (own?.entries() ?? []).map(([key, value]) => ({ key: flowKey.decode(key), flow: flow.decode(value), young: false }))
  }

  /** Flows that are not confirmed, by port. */
  young(): Map<number, PortFlow[]> {
    const found = new Map<number, PortFlow[]>()
    for (const [key, value] of this.#young.entries()) {
      const { port, flow: own } = youngKey.decode(key)
      const flows = found.get(port) ?? []
      found.set(port, flows)
      flows.push({ key: own, flow: flow.decode(value), young: true })
    }
    return found
  }

  /** Give a port a confirmed flow. */
  put(port: number, key: Uint8Array, value: Uint8Array): void {
    using own = this.#open(port)
    own?.update(key, value)
  }

  /** Have the last packets of a port's flows be so many seconds ago, for tests. */
  setIdle(port: number, seconds: number): void {
    const nowS = Number(process.hrtime.bigint() / 1_000_000_000n)
    using own = this.#open(port)
    const aged = (value: Uint8Array): Uint8Array => {
      return flow.encode({ ...flow.decode(value), lastS: (nowS - seconds) >>> 0, tick: 0 })
    }
    for (const [key, value] of own?.entries() ?? []) own!.update(key, aged(value))
    for (const [key, value] of this.#young.entries()) if (youngKey.decode(key).port === port) this.#young.update(key, aged(value))
  }

  #open(port: number): BpfMap | undefined {
    const id = this.#flows.lookup(indexOf(port))
    const number = id === undefined ? 0 : u32.read(new DataView(id.buffer, id.byteOffset), 0)
    return number === 0 ? undefined : BpfMap.fromId(number)
  }
}
