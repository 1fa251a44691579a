/**
 * Which forwarding entries and neighbours packets have used: kept by the programs, read and cleared here. It is no
 * state of the objects.
 */
import { fte, fteFlag, neighbourEntry, neighbourFlag } from '#abi/layouts.ts'
import type { FdbKey, NeighbourKey } from '#datapath/layout.ts'
import type { Call } from '../operation.ts'
import { addressKey, macNumber, segmentOf } from '../store/keys.ts'
import type { Mux, Switch } from '../store/model.ts'

/** vpcmux 0x0101: all entries, with flags. */
export function listFlagged({ context, object: { entries } }: Call<Mux, void>): Uint8Array {
  const used = new Set(context.datapath.tables.usedFdb.entries().map(([{ segment, mac }]) => keyOf(segment, macNumber(mac))))
  const out = entries.encode()
  const view = new DataView(out.buffer, out.byteOffset, out.length)
  const { vni, mac, pad } = fte.offsets
  for (let at = 0; at < out.length; at += fte.size) {
    const number = view.getUint16(at + mac) * 0x1_0000_0000 + view.getUint32(at + mac + 2)
    if (used.has(keyOf(view.getUint32(at + vni, true), number))) out[at + pad]! |= fteFlag.used
  }
  return out
}

/** vpcmux 0x0102. Keys of entries that are gone are forgotten with them. */
export function clearUsed({ context, object: { entries } }: Call<Mux, void>): void {
  const { usedFdb } = context.datapath.tables
  const others = [...context.model.ofType('vpcmux')].filter((mux) => mux.entries !== entries)
  const isOthers = ({ segment, mac }: FdbKey): boolean =>
    others.some((mux) => mux.entries.vnis.get(segment)?.macs.has(macNumber(mac)) === true)
  usedFdb.deleteMany(keysOf(usedFdb.entries()).filter((key) => !isOthers(key)))
}

/** vpcsw 0x0110: all neighbours, with flags. */
export function listFlaggedNeighbours({ context, object: sw }: Call<Switch, void>): Uint8Array {
  const known = new Set(context.datapath.tables.usedNeighbours.entries().map(([{ segment, addr }]) => `${segment} ${addressKey(addr)}`))
  const out = sw.neighbours.encode()
  const view = new DataView(out.buffer, out.byteOffset, out.length)
  const { vni, pad, address } = neighbourEntry.offsets
  for (let at = 0; at < out.length; at += neighbourEntry.size) {
    const segment = segmentOf(sw, view.getUint32(at + vni, true))
    const key = addressKey(out.subarray(at + address, at + address + 16))
    if (known.has(`${segment} ${key}`)) view.setUint16(at + pad, neighbourFlag.used, true)
  }
  return out
}

/** vpcsw 0x0111. Keys that no switch has are forgotten too. */
export function clearUsedNeighbours({ context, object: sw }: Call<Switch, void>): void {
  const { usedNeighbours } = context.datapath.tables
  const isOthers = ({ segment }: NeighbourKey): boolean => (context.model.segments.get(segment) ?? sw) !== sw
  usedNeighbours.deleteMany(keysOf(usedNeighbours.entries()).filter((key) => !isOthers(key)))
}

const keysOf = <K>(entries: readonly [key: K, value: number][]): K[] => entries.map(([key]) => key)

/** A segment of an entry has 24 bits: the two fit into no number, and a string costs little here. */
const keyOf = (segment: number, mac: number): string => `${segment} ${mac}`
