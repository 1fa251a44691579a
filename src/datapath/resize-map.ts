/**
 * Giving a pinned map another size. The kernel cannot, so another map takes its name, with the same entries. Programs
 * that run go on with the map of before until theirs are replaced. Nobody but vpcd writes what packets are forwarded
 * by, so nothing can differ meanwhile; what the programs count between the copy and their replacement is lost, and
 * nothing else.
 */
import { existsSync, renameSync, unlinkSync } from 'node:fs'
import { mapType, type BpfMap } from '#kernel/bpf-map.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { beforeStep } from './step.ts'
import { optionOf, startsAnew } from './table-sizes.ts'

/** A map that has more entries than are to fit. */
export class TableHoldsMore extends Error {
  constructor(table: string, entries: number, asked: number) {
    super(
      `table ${table} has ${entries} entries and does not fit into ${asked}; ask for more by ${optionOf(table)}, or remove entries first`,
    )
    this.name = 'TableHoldsMore'
  }
}

/** The pin of a map that has not taken its name yet. */
export const newPin = (path: string): string => `${path}-new`

/** Remove what a vpcd has left that was killed while it gave a map another size. */
export function removeHalfMade(path: string): void {
  if (!existsSync(newPin(path))) return
  beforeStep('unlink')
  unlinkSync(newPin(path))
}

/**
 * Have room for so many entries in the map that is pinned at a path. The result is the size that it has now: an array
 * does not shrink, since its last indexes may be in use. Throws TableHoldsMore, and KernelError when there is no memory
 * for it.
 */
export function resizePinned(table: string, path: string, pinned: BpfMap, maxEntries: number): number {
  const { type } = pinned
  const isArray = type === mapType.percpuArray || type === mapType.array
  if (isArray && maxEntries < pinned.maxEntries) return pinned.maxEntries
  using resized = pinned.createResized(table, maxEntries)
  // Rates are of the current second: they start anew.
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
