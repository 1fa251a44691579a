import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtObjects } from '../../test/bpf/built-objects.ts'
import { PrivateBpffs } from '../../test/bpf/private-bpffs.ts'
import { PrivateNetns } from '../../test/bpf/private-netns.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { programName } from '#kernel/tcx.ts'
import { macFrom } from '#wire/mac.ts'
import { Datapath, type Attachment, type DropEvent } from './datapath.ts'
import { TableFull } from './table.ts'

const mac = macFrom('02:00:5e:10:00:01')
const withoutProgram = ({ progId: _, ...attachment }: Attachment): Omit<Attachment, 'progId'> => attachment

/** Names of the eBPF programs to which this process has descriptors. */
function ownPrograms(): string[] {
  const ids = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    const path = `/proc/self/fdinfo/${fd}`
    const found = existsSync(path) ? /^prog_id:\s*(\d+)$/m.exec(readFileSync(path, 'utf8')) : null
    return found ? [Number(found[1])] : []
  })
  return ids.map((id) => programName(id) ?? '').sort()
}

describe('the datapath', () => {
  let objectDir: string
  let netns: PrivateNetns
  let first: number
  let second: number

  before(() => {
    objectDir = builtObjects()
    netns = new PrivateNetns()
    ;[first, second] = netns.veth('a', 'b')
  })
  after(() => netns[Symbol.dispose]())

  /** A datapath on a bpffs of its own. What is returned can be loaded again and again. */
  function host(): { load: (limits?: Record<string, number>, objects?: string) => Datapath; directory: string } & Disposable {
    const bpffs = PrivateBpffs.mount()
    const directory = join(bpffs.path, 'vpc')
    return {
      directory,
      load: (limits = {}, objects = objectDir) => Datapath.load({ bpffs: directory, objectDir: objects, limits }),
      [Symbol.dispose]: () => {
        Datapath.destroy(directory)
        bpffs[Symbol.dispose]()
      },
    }
  }

  test('outlives whoever loaded it: tables, links and programs', () => {
    using one = host()
    {
      using datapath = one.load()
      datapath.tables.ports.set(first, { segment: 5001, flags: 3, stats: 1, vlan: 0, mac, broadcastRate: 0, vpc: 1 })
      netns.run(() => datapath.attach('unit', first, 'unit-1'))
      const [{ linkId: _, ...attachment }] = datapath.attachments().map(withoutProgram) as [Attachment]
      assert.deepEqual(attachment, { pinName: 'unit-1', ifindex: first, direction: 'ingress' })
    }
    using datapath = one.load()
    assert.equal(datapath.tables.ports.get(first)?.segment, 5001)
    assert.equal(datapath.attachments().length, 1)
  })

  test('replaces the program of a link that is there, and keeps the link', () => {
    using one = host()
    const attached = (): Attachment => {
      using datapath = one.load()
      netns.run(() => datapath.attach('unit', first, 'unit-1'))
      return datapath.attachments()[0]!
    }
    const [before, after] = [attached(), attached()]
    assert.notEqual(before.progId, after.progId)
    assert.deepEqual(withoutProgram(before), withoutProgram(after))
  })

  test('loads a program when it first runs it, from the files of its start, and at a start those that run', () => {
    const files = mkdtempSync(join(tmpdir(), 'vpc-objects-'))
    cpSync(objectDir, files, { recursive: true })
    using one = host()
    {
      using datapath = one.load({}, files)
      rmSync(files, { recursive: true })
      assert.deepEqual(ownPrograms(), [])
      netns.run(() => datapath.attach('unit', first, 'unit-1'))
      assert.deepEqual(ownPrograms(), ['vpc_unit'])
      netns.run(() => datapath.guard(first, 'egress'))
      assert.deepEqual(ownPrograms(), ['vpc_unit', 'vpc_unit_out'])
    }
    // The guard has no pin, and is replaced with the others: one that the verifier refuses must be found before that.
    using _ = one.load()
    assert.deepEqual(ownPrograms(), ['vpc_unit', 'vpc_unit_out'])
  })

  test('moves a link to another device, and takes it off', () => {
    using one = host()
    using datapath = one.load()
    netns.run(() => datapath.attach('unit', first, 'unit-1'))
    netns.run(() => datapath.attach('unit', second, 'unit-1'))
    netns.run(() => datapath.attach('ethlink-egress', second, 'out'))
    const links = datapath.attachments().sort((a, b) => a.direction.localeCompare(b.direction))
    assert.deepEqual(
      links.map(({ ifindex, direction }) => [ifindex, direction]),
      [
        [second, 'egress'],
        [second, 'ingress'],
      ],
    )
    assert.equal(datapath.detach('unit-1'), true)
    assert.equal(datapath.detach('unit-1'), false)
    assert.deepEqual(
      datapath.attachments().map(({ pinName }) => pinName),
      ['out'],
    )
  })

  test('sees that a device is gone, and lets go of its link', () => {
    using one = host()
    using datapath = one.load()
    const [gone] = netns.veth('c', 'd')
    netns.run(() => datapath.attach('unit', gone, 'unit-1'))
    netns.netlink.deleteLink(gone)
    assert.equal(datapath.attachments()[0]?.ifindex, 0)
    assert.equal(datapath.detach('unit-1'), true)
  })

  test('leaves nothing when it could not attach', () => {
    using one = host()
    using datapath = one.load()
    const noDevice = (error: unknown): boolean => error instanceof KernelError && error.errno === errno.ENODEV
    assert.throws(() => netns.run(() => datapath.attach('mux', 4711, 'mux-0')), noDevice)
    assert.deepEqual(datapath.attachments(), [])
    assert.throws(() => datapath.attach('unit', first, 'a.b'), RangeError)
    assert.throws(() => datapath.attach('unit', first, '../maps/fdb'), RangeError)
  })

  test('can be taken down whole', () => {
    using one = host()
    const datapath = one.load()
    netns.run(() => datapath.attach('unit', first, 'unit-1'))
    datapath.destroyAll()
    assert.equal(existsSync(one.directory), false)
    Datapath.destroy(one.directory)
  })

  test('takes the sizes of tables that it is given, and of those that are pinned', () => {
    using one = host()
    {
      using datapath = one.load({ segments: 2 })
      const segment = {
        flags: 1,
        switchUnit: 0,
        uplink: { kind: 0, flags: 0, vlan: 0, mtu: 0, ifindex: 0, stats: 0, vtep: { family: 0, port: 0, addr: new Uint8Array(16) } },
        switchMirror: 0,
        uplinkMirror: 0,
      }
      datapath.tables.segments.setMany([
        [1, segment],
        [2, segment],
      ])
      assert.throws(
        () => datapath.tables.segments.set(3, segment),
        (error: TableFull) => error instanceof TableFull && error.table === 'segments' && error.maxEntries === 2,
      )
    }
    {
      using datapath = one.load()
      assert.equal(datapath.tables.segments.maxEntries, 2)
    }
    using datapath = one.load({ segments: 3 })
    assert.deepEqual([datapath.tables.segments.maxEntries, datapath.tables.segments.entries().length], [3, 2])
  })

  test('makes a pinned map of another layout anew, while a program of before goes on', () => {
    using one = host()
    mkdirSync(join(one.directory, 'maps'), { recursive: true })
    using other = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 99_999, flags: 1 })
    other.pin(join(one.directory, 'maps/ports'))
    other.pin(join(one.directory, 'maps/of_another_version'))
    using datapath = one.load()
    assert.deepEqual([...datapath.rebuilt.keys()], ['ports'])
    assert.match(datapath.rebuilt.get('ports')!, /value size is 4, not/)
    assert.deepEqual(
      datapath.mapPins().filter(({ state }) => state !== 'right'),
      [],
    )
    assert.ok(!readdirSync(join(one.directory, 'maps')).includes('of_another_version'))
    assert.deepEqual([datapath.tables.ports.maxEntries, datapath.tables.ports.entries()], [99_999, []])
  })

  test('replaces programs only when told to, while that is held', () => {
    using one = host()
    using before = one.load()
    netns.run(() => before.attach('unit', first, 'unit-1'))
    using datapath = one.load()
    const running = (): number[] => netns.run(() => datapath.attachments().map(({ progId }) => progId))
    using replacements = datapath.holdReplacements()
    netns.run(() => datapath.attach('unit', first, 'unit-1'))
    netns.run(() => datapath.attach('unit', second, 'unit-2'))
    assert.deepEqual(running().toSorted(), [before.programId('unit'), datapath.programId('unit')].toSorted())
    datapath.renamePin('unit-1', 'unit-3')
    replacements.perform()
    assert.deepEqual(running(), [datapath.programId('unit'), datapath.programId('unit')])
  })

  test('tells what it drops to whoever listens', async () => {
    using one = host()
    using datapath = one.load()
    const drops: DropEvent[] = []
    const stop = datapath.onDrop((event) => drops.push(event))
    datapath.tables.ports.set(first, { segment: 5001, flags: 3, stats: 1, vlan: 0, mac, broadcastRate: 0, vpc: 1 })
    netns.run(() => datapath.attach('unit', first, 'unit-1'))
    // Somebody in the namespace speaks through the other end, whose MAC is not the port's.
    netns.ping('b')
    for (let i = 0; i < 500 && drops.length === 0; i++) await sleep(10)
    stop()
    const [drop] = drops
    assert.equal(drop?.reason, 'source_mac')
    assert.deepEqual([drop.ifindex, drop.source, drop.segment], [first, 1, 5001])
    assert.ok(Math.abs(drop.time.getTime() - Date.now()) < 10_000)
    assert.ok(datapath.tables.drops.read(1).source_mac! > 0)
    assert.ok(datapath.tables.stats.read(1).rxPackets > 0)
  })
})
