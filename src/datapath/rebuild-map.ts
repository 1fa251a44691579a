/**
 * Rebuilds a pinned map whose layout differs from that of these programs. vpcd makes the new map empty beside the old
 * one, and fills it from its objects before one of its programs runs. It copies counters, field by field. The old map
 * has no name then, and the kernel frees it when the last program that uses it is replaced.
 */
import { readdirSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { mapType, type BpfMap } from '#kernel/bpf-map.ts'
import { Btf, type BtfLeaf } from '#kernel/btf.ts'
import { newPin, removeHalfMade } from './resize-map.ts'
import { beforeStep } from './step.ts'

/** A pinned map that these programs cannot use. */
export interface Unfit {
  readonly path: string
  readonly old: BpfMap
  /** In words, for the log; undefined: the layouts may be equal, but nothing proves it. */
  readonly difference: string | undefined
}

/** Give a new map the name of an old one, and its counters. */
export function takePlace({ path, old }: Unfit, successor: BpfMap): void {
  removeHalfMade(path)
  if (isCounter(old) && isCounter(successor)) carryCounters(old, successor)
  successor.pin(newPin(path))
  beforeStep('rename')
  renameSync(newPin(path), path)
}

/** Remove pins of maps that these programs do not have: of other versions, or unfinished. */
export function removeStrangePins(directory: string, known: readonly string[]): void {
  for (const name of readdirSync(directory).filter((pin) => !known.includes(pin))) {
    beforeStep('unlink')
    unlinkSync(join(directory, name))
  }
}

/** Pinned per-CPU maps have counters, but for the flows that a CPU knows: their programs find those again. */
const isCounter = ({ type, name }: BpfMap): boolean =>
  name !== 'flow_slots' && (type === mapType.percpuArray || type === mapType.percpuHash)

/** How an integer moves from one layout to another. */
interface Move {
  readonly from: BtfLeaf
  readonly to: BtfLeaf
}

/**
 * Copy the counters whose names both maps have. If the new map cannot distinguish two keys of the old one, all start at
 * 0. Counts from now until the replacement of the programs are lost.
 */
function carryCounters(old: BpfMap, successor: BpfMap): void {
  const [before, now] = [leavesOf(old), leavesOf(successor)]
  if (before === undefined || now === undefined) return
  const keyMoves = movesBetween(before.key, now.key)
  const valueMoves = movesBetween(before.value, now.value)
  if (keyMoves.length < before.key.length) return
  for (const [key, value] of old.entries()) {
    if (value.every((byte) => byte === 0)) continue
    const cpus = old.splitPerCpu(value).map((cpu) => moved(cpu, successor.valueSize, valueMoves))
    const stride = successor.slotSize / cpus.length
    const slots = new Uint8Array(successor.slotSize)
    cpus.forEach((cpu, i) => slots.set(cpu, i * stride))
    successor.update(moved(key, successor.keySize, keyMoves), slots)
  }
}

function leavesOf(map: BpfMap): { readonly key: readonly BtfLeaf[]; readonly value: readonly BtfLeaf[] } | undefined {
  const raw = map.readBtf()
  if (raw === undefined) return undefined
  const btf = new Btf(raw)
  return { key: btf.leaves(map.btf.keyTypeId), value: btf.leaves(map.btf.valueTypeId) }
}

function movesBetween(before: readonly BtfLeaf[], now: readonly BtfLeaf[]): Move[] {
  const places = new Map(now.map((leaf) => [leaf.path, leaf]))
  return before.flatMap((from) => {
    const to = places.get(from.path)
    return to === undefined ? [] : [{ from, to }]
  })
}

/** The same in another layout. Integers are little-endian, so a wider one has the old one at its start. */
function moved(bytes: Uint8Array, size: number, moves: readonly Move[]): Uint8Array {
  const out = new Uint8Array(size)
  for (const { from, to } of moves) out.set(bytes.subarray(from.offset, from.offset + Math.min(from.size, to.size)), to.offset)
  return out
}
