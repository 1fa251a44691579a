/**
 * Gives a pinned map another size. The kernel cannot do that, so a new map takes over its name and entries. Running
 * programs keep the old map until they are replaced. Only vpcd writes the forwarding tables, so both maps agree
 * meanwhile. Counts between the copy and the replacement are lost, and nothing else.
 */
import { existsSync, renameSync, unlinkSync } from 'node:fs'
import { mapType, type BpfMap } from '#kernel/bpf-map.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { beforeStep } from './step.ts'
import { optionOf, startsAnew } from './table-sizes.ts'

/** A map has more entries than the new size. */
export class TableHoldsMore extends Error {
  constructor(table: string, entries: number, asked: number) {
    super(
      `table ${table} has ${entries} entries and does not fit into ${asked}; ask for more by ${optionOf(table)}, or remove entries first`,
    )
    this.name = 'TableHoldsMore'
  }
}

/** The pin of a map that does not have its name yet. */
export const newPin = (path: string): string => `${path}-new`

/** Remove the pin that a vpcd left when it was killed while it resized a map. */
export function removeHalfMade(path: string): void {
  if (!existsSync(newPin(path))) return
  beforeStep('unlink')
  unlinkSync(newPin(path))
}

/**
 * Resize the map that is pinned at a path. Returns its new size: an array does not shrink, since its last indexes may
 * be in use. Throws TableHoldsMore, and KernelError when there is no memory for it.
 */
export function resizePinned(table: string, path: string, pinned: BpfMap, maxEntries: number): number {
  const { type } = pinned
  const isArray = type === mapType.percpuArray || type === mapType.array
  if (isArray && maxEntries < pinned.maxEntries) return pinned.maxEntries
  using resized = pinned.createResized(table, maxEntries)
  // Rates concern the current second: they start anew.
  if (type !== mapType.lruHash && !startsAnew(table)) copy(table, pinned, resized)
  resized.pin(newPin(path))
  beforeStep('rename')
  renameSync(newPin(path), path)
  return maxEntries
}

function copy(table: string, from: BpfMap, to: BpfMap): void {
  for (const { keys, values, count } of from.batches()) {
    const { errno: failure } = to.tryUpdateBatch(
      keys.bytes.subarray(0, count * from.keySize),
      values.bytes.subarray(0, count * from.slotSize),
    )
    if (failure === errno.E2BIG) throw new TableHoldsMore(table, from.keys().length, to.maxEntries)
    if (failure !== 0) throw new KernelError('bpf(BPF_MAP_UPDATE_BATCH)', failure, table)
  }
}
