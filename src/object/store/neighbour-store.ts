/** The neighbours that a switch knows: by VNI, then address. */
import { encodeArray, neighbourEntry } from '#abi/layouts.ts'
import { addressOfKey, macOfNumber } from './keys.ts'

export class NeighbourStore {
  /** MACs as numbers, by address key, by VNI. */
  vnis = new Map<number, Map<string, number>>()
  count = 0
  /** Entries in the journal's log, which is rewritten when it becomes too long. */
  logged = 0

  /** The neighbours of a VNI, made when there are none. */
  of(vni: number): Map<string, number> {
    let neighbours = this.vnis.get(vni)
    if (neighbours === undefined) this.vnis.set(vni, (neighbours = new Map()))
    return neighbours
  }

  /** Forget a VNI that has no neighbours left. */
  prune(vni: number): void {
    if (this.vnis.get(vni)?.size === 0) this.vnis.delete(vni)
  }

  /** All neighbours as an array of `neighbourEntry`. */
  encode(): Uint8Array {
    const all = []
    for (const [vni, neighbours] of this.vnis) {
      for (const [key, mac] of neighbours) all.push({ vni, mac: macOfNumber(mac), pad: 0, address: addressOfKey(key) })
    }
    return encodeArray(neighbourEntry, all)
  }
}
