/**
 * Programs that are loaded, for hosts of tests. To load them takes longer than most tests, so what a host has done with
 * is emptied and given to the next one.
 */
import { ObjectSet } from '#datapath/object-set.ts'
import { stats } from '#datapath/layout.ts'
import { mapType } from '#kernel/bpf-map.ts'
import { builtObjects } from '../bpf/built-objects.ts'

const idle: ObjectSet[] = []
/** Indexes of table `stats` that hosts of tests use. */
const counted = 64

/** Programs with empty tables. */
export const takePrograms = (): ObjectSet => idle.pop() ?? new ObjectSet({ objectDir: builtObjects() })

/** A host has done with its programs: no device runs them. */
export function givePrograms(objects: ObjectSet): void {
  for (const name of objects.sharedNames()) empty(objects, name)
  idle.push(objects)
}

const hashes: ReadonlySet<number> = new Set([mapType.hash, mapType.percpuHash, mapType.lruHash, mapType.lruPercpuHash, mapType.lpmTrie])

/** What the programs remember in arrays is of an earlier generation for the next host's tables. */
function empty(objects: ObjectSet, name: string): void {
  using map = objects.map(name)
  if (hashes.has(map.type)) map.deleteBatch(Buffer.concat(map.keys()))
  if (name !== 'stats') return
  for (let index = 0; index < counted; index++) map.update(new Uint8Array(Uint32Array.of(index).buffer), new Uint8Array(stats.size))
}
