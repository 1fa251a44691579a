/**
 * Puts a host into the state in which an older version of vpcd would have left it: its programs run, with its maps,
 * under the usual pins.
 */
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hooks, objectNames } from '#datapath/hook.ts'
import { updateLink } from '#kernel/bpf-link.ts'
import { BpfMap, mapType } from '#kernel/bpf-map.ts'
import { getPinned } from '#kernel/bpf.ts'
import { Btf, type BtfLeaf } from '#kernel/btf.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { close } from '#kernel/libc.ts'

/**
 * Maps whose contents nobody needs: events, and what programs learn in no time. Nor are maps of maps copied, of which
 * the kernel has no BTF.
 */
const empty: readonly number[] = [mapType.ringbuf, mapType.lruHash]

/**
 * Replace the running programs on a host, whose vpcd is down, by older ones. Their maps get the newer maps' contents,
 * field by field. Returns the names of the maps whose layout differs.
 */
export function installOlder(bpffs: string, objectDir: string): string[] {
  using stack = new DisposableStack()
  const objects = new Map<string, BpfObject>()
  const maps: Record<string, BpfMap> = {}
  for (const name of objectNames) {
    const file = join(objectDir, `${name}.o`)
    if (!existsSync(file)) continue
    const object = stack.use(BpfObject.open(readFileSync(file), { name, reuse: maps }))
    object.load()
    objects.set(name, object)
    for (const map of object.maps().filter((each) => !each.includes('.'))) maps[map] ??= stack.use(object.map(map))
  }
  // What an object keeps for itself has no pin; `pinPath` is gone since nothing is pinned here.
  const own = new Set(['outgoing', 'incoming', 'arrivals', 'quotations'])
  const changed: string[] = []
  for (const [name, map] of Object.entries(maps)) {
    if (own.has(name)) continue
    const path = join(bpffs, 'maps', name)
    if (existsSync(path)) {
      using newer = BpfMap.fromPin(path)
      const filled = [map, newer].every((each) => !empty.includes(each.type) && each.readBtf() !== undefined)
      if (filled && convert(newer, map)) changed.push(name)
    }
  }
  for (const pin of readdirSync(join(bpffs, 'links'))) replace(join(bpffs, 'links', pin), objects)
  for (const pin of readdirSync(join(bpffs, 'maps'))) unlinkSync(join(bpffs, 'maps', pin))
  for (const [name, map] of Object.entries(maps)) if (!own.has(name)) map.pin(join(bpffs, 'maps', name))
  return changed.sort()
}

function replace(path: string, objects: ReadonlyMap<string, BpfObject>): void {
  const { object, program } = hooks[hookOf(path)]
  // A version that lacks the program leaves the link as it is.
  const older = objects.get(object)
  if (older === undefined) return
  const link = getPinned(path)
  try {
    updateLink(link, older.program(program).fd)
  } finally {
    close(link)
  }
}

function hookOf(path: string): keyof typeof hooks {
  if (path.endsWith('-mirror')) return 'mirror'
  if (path.endsWith('-underlay')) return 'underlay'
  if (path.endsWith('-egress')) return 'ethlink-egress'
  if (path.includes('/ethlink')) return 'ethlink'
  return path.includes('/vpcmux') ? 'mux' : 'unit'
}

/** Copy all that both know by name. True: they lie otherwise. */
function convert(from: BpfMap, to: BpfMap): boolean {
  const [before, after] = [leavesOf(from), leavesOf(to)]
  for (const [key, value] of from.entries()) {
    const values = from.isPerCpu ? from.splitPerCpu(value) : [value]
    const converted = values.map((each) => moved(each, to.valueSize, before.value, after.value))
    const out = new Uint8Array(to.slotSize)
    converted.forEach((each, i) => out.set(each, (i * to.slotSize) / converted.length))
    to.update(moved(key, to.keySize, before.key, after.key), out)
  }
  return JSON.stringify(before) !== JSON.stringify(after)
}

interface Leaves {
  readonly key: readonly BtfLeaf[]
  readonly value: readonly BtfLeaf[]
}

function leavesOf(map: BpfMap): Leaves {
  const btf = new Btf(map.readBtf()!)
  return { key: btf.leaves(map.btf.keyTypeId), value: btf.leaves(map.btf.valueTypeId) }
}

/** Of what a value is made of: those of older versions do not name their keys, but for some parts of them. */
const nameOf = ({ path }: BtfLeaf): string => path.replace(/^(key|value|again)\.|^again$/, '') || 'key'

function moved(bytes: Uint8Array, size: number, before: readonly BtfLeaf[], after: readonly BtfLeaf[]): Uint8Array {
  const out = new Uint8Array(size)
  const places = new Map(before.map((leaf) => [nameOf(leaf), leaf]))
  for (const leaf of after) {
    const { offset, size: width } = leaf
    const source = places.get(nameOf(leaf))
    if (source !== undefined) out.set(bytes.subarray(source.offset, source.offset + Math.min(width, source.size)), offset)
  }
  return out
}
