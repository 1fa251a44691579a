/**
 * A bpffs with the programs and tables of a host. A test process loads them once: a host that has ended leaves them to
 * the next, with its tables as they were. Loading takes longer than most tests.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { BpfMap, mapType } from '#kernel/bpf-map.ts'
import { Datapath } from '#datapath/datapath.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import { PrivateBpffs } from '../bpf/private-bpffs.ts'

const arrays: readonly number[] = [mapType.array, mapType.percpuArray]
const hashes: readonly number[] = [mapType.hash, mapType.percpuHash, mapType.lruHash, mapType.lruPercpuHash, mapType.lpmTrie]

/** Tables that only what there is of objects fills: when the last object is gone, they have no entry. */
const ofObjects = [
  'ports',
  'fdb',
  'flood',
  'neighbours',
  'port_addresses',
  'port_limits',
  'segments',
  'muxes',
  'vteps',
  'subnets',
  'routes',
  'hosts',
  'nats',
  'floats',
  'public_addresses',
  'dhcp_replies',
  'dhcpv6_replies',
  'ra_replies',
  'service_ports',
]

export class Loaded implements Disposable {
  readonly bpffs: PrivateBpffs
  readonly datapath: Datapath
  readonly #limits: Readonly<Record<string, number>>
  /** What arrays had before the first packet. */
  readonly #arrays: ReadonlyMap<string, [key: Uint8Array, value: Uint8Array][]>
  static #spare: Loaded | undefined

  private constructor(limits: Readonly<Record<string, number>>) {
    this.bpffs = PrivateBpffs.mount()
    this.#limits = limits
    this.datapath = Datapath.load({ bpffs: this.directory, objectDir: builtObjects(), limits })
    const before = new Map<string, [Uint8Array, Uint8Array][]>()
    this.#each((name, map) => {
      if (arrays.includes(map.type)) before.set(name, map.entries())
    })
    this.#arrays = before
  }

  /** What an earlier host has left, if its tables have these sizes, or new ones. */
  static take(limits: Readonly<Record<string, number>>): Loaded {
    const spare = Loaded.#spare
    Loaded.#spare = undefined
    if (spare !== undefined && spare.#limits === limits) return spare
    spare?.[Symbol.dispose]()
    return new Loaded(limits)
  }

  /** Where the pins are. */
  get directory(): string {
    return join(this.bpffs.path, 'vpc')
  }

  /**
   * Leave them to the next host. All objects are gone: fails when an entry of one stayed in a table, or a program on a
   * device.
   */
  leave(): void {
    assert.deepEqual(this.datapath.attachments(), [])
    this.#each((name, map) => {
      if (ofObjects.includes(name)) assert.equal(map.count(), 0, `entries of ${name} stayed after the last object`)
      else if (hashes.includes(map.type)) map.deleteBatch(Buffer.concat(map.keys()))
      // Slots of the datapath are of older generations then: a generation never comes again.
      else if (name !== 'generation') for (const [key, value] of this.#arrays.get(name) ?? []) restore(map, key, value)
    })
    Loaded.#spare?.[Symbol.dispose]()
    Loaded.#spare = this
  }

  /** Take them down. */
  [Symbol.dispose](): void {
    this.datapath.close()
    Datapath.destroy(this.directory)
    this.bpffs[Symbol.dispose]()
  }

  static {
    process.on('exit', () => Loaded.#spare?.[Symbol.dispose]())
  }

  #each(look: (name: string, map: BpfMap) => void): void {
    for (const { name, state } of this.datapath.mapPins()) {
      if (state === 'missing') continue
      using map = BpfMap.fromPin(join(this.directory, 'maps', name))
      look(name, map)
    }
  }
}

function restore(map: BpfMap, key: Uint8Array, value: Uint8Array): void {
  if (!Buffer.from(value).equals(map.lookup(key)!)) map.update(key, value)
}
