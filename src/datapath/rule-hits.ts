/** Table `rule_hits`: how many flows each rule has allowed. */
import type { BpfMap } from '#kernel/bpf-map.ts'

export class RuleHits {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Of a rule by its number. */
  read(rule: number): number {
    const cpus = this.#map.lookupPerCpu(keyOf(rule)) ?? []
    return cpus.reduce((sum, cpu) => sum + Number(new DataView(cpu.buffer, cpu.byteOffset).getBigUint64(0, true)), 0)
  }

  /** Forget rules that are gone: all but these. */
  keep(rules: ReadonlySet<number>): void {
    for (const key of this.#map.keys()) if (!rules.has(new DataView(key.buffer, key.byteOffset).getUint32(0, true))) this.#map.delete(key)
  }
}

const keyOf = (rule: number): Uint8Array => new Uint8Array(Uint32Array.of(rule).buffer)
