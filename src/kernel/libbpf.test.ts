import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { compileBpf, compileBpfFile } from '../../test/bpf/compile.ts'
import { PrivateBpffs } from '../../test/bpf/private-bpffs.ts'
import { BpfMap } from './bpf-map.ts'
import { encodeSkBuff, progInfo, progTestRun, skBuff } from './bpf-program.ts'
import { errno } from './errno.ts'
import { BpfObject } from './libbpf.ts'
import { LoadError, tellingLine } from './verifier-log.ts'

const frame = new Uint8Array(60).fill(1)

describe('an eBPF object', () => {
  let file: Uint8Array
  before(() => {
    file = compileBpfFile('probe.bpf.c')
  })

  test('is loaded, and its programs run', () => {
    using object = BpfObject.open(file, { name: 'probe' })
    object.load()
    assert.deepEqual(object.programs(), ['probe', 'shot'])
    assert.ok(object.maps().includes('table'))
    const { fd } = object.program('probe')
    assert.equal(progInfo(fd).name, 'probe')
    const { retval, dataOut } = progTestRun(fd, { dataIn: frame })
    assert.equal(retval, 4)
    assert.deepEqual(dataOut, frame)
    assert.equal(object.log(), '')
  })

  test('is loaded without a program that is left out', () => {
    using object = BpfObject.open(file)
    object.leaveOut('shot')
    object.load()
    assert.ok(object.program('probe').fd > 0)
    assert.throws(() => object.program('shot'), /bpf_program__fd/)
    assert.throws(() => object.leaveOut('missing'), /no program missing/)
  })

  test('takes constants of any width', () => {
    using object = BpfObject.open(file, { rodata: { answer: 0xfffffffe, large: 1n << 40n, small: -1 } })
    object.load()
    assert.equal(progTestRun(object.program('probe').fd, { dataIn: frame }).retval, -3)
  })

  test('runs in a context, and leaves its words in it', () => {
    using object = BpfObject.open(file)
    object.load()
    const { retval, ctxOut } = progTestRun(object.program('probe').fd, { dataIn: frame, ctxIn: encodeSkBuff({ mark: 9, ifindex: 1 }) })
    assert.equal(retval, 7)
    assert.deepEqual(skBuff.decode(ctxOut).cb.slice(0, 2), [1, 0])
  })

  test('pins its maps by name, and finds them again with what is in them', () => {
    using bpffs = PrivateBpffs.mount()
    const pinRoot = join(bpffs.path, 'maps')
    mkdirSync(pinRoot)
    {
      using object = BpfObject.open(file, { pinRoot, maxEntries: { table: 1000 } })
      object.load()
      assert.equal(object.pinPath('table'), join(pinRoot, 'table'))
      assert.equal(object.pinPath('ring'), undefined)
      using table = object.map('table')
      assert.equal(table.maxEntries, 1000)
      table.update(new Uint8Array(12).fill(5), new Uint8Array(24).fill(6))
    }
    assert.ok(existsSync(join(pinRoot, 'table')))
    using again = BpfObject.open(file, { pinRoot, maxEntries: { table: 1000 } })
    again.load()
    using table = again.map('table')
    using pinned = BpfMap.fromPin(join(pinRoot, 'table'))
    assert.equal(table.id, pinned.id)
    assert.deepEqual(table.lookup(new Uint8Array(12).fill(5)), new Uint8Array(24).fill(6))
  })

  test('shares the maps of another object, without pins', () => {
    using first = BpfObject.open(file, { maxEntries: { table: 7 } })
    first.load()
    using table = first.map('table')
    using second = BpfObject.open(file, { reuse: { table } })
    second.load()
    using shared = second.map('table')
    using own = second.map('counts')
    assert.equal(shared.id, table.id)
    assert.notEqual(own.id, table.id)
    assert.equal(first.pinPath('table'), undefined)
  })

  test('does not load over a pinned map of another size, and says which', () => {
    using bpffs = PrivateBpffs.mount()
    using other = BpfMap.create({ type: 'hash', keySize: 12, valueSize: 24, maxEntries: 3 })
    other.pin(join(bpffs.path, 'table'))
    using object = BpfObject.open(file, { name: 'probe', pinRoot: bpffs.path })
    assert.throws(
      () => object.load(),
      (error: LoadError) => error.errno === errno.EINVAL && error.notes.some((note) => /table.*parameter mismatch/.test(note)),
    )
  })

  test('has no map, program or constant of another name', () => {
    assert.throws(() => BpfObject.open(file, { rodata: { nothing: 1 } }), /no constant nothing/)
    assert.throws(() => BpfObject.open(file, { maxEntries: { nothing: 1 } }), /no map nothing/)
    using object = BpfObject.open(file)
    object.load()
    assert.throws(() => object.program('nothing'), /no program nothing/)
  })
})

test('a refused program keeps the whole log and shows the line that tells', () => {
  const file = compileBpf(`
    #include <linux/bpf.h>
    #include <bpf/bpf_helpers.h>
    SEC("tc") int bad(struct __sk_buff *skb) { return *(char *)(long)skb->data; }
    char _license[] SEC("license") = "GPL";`)
  using object = BpfObject.open(file, { name: 'bad' })
  assert.throws(
    () => object.load(),
    (error: LoadError) => {
      assert.equal(error.errno, errno.EACCES)
      assert.match(error.message, /^bpf_object__load: EACCES \(bad: R\d.*outside of the packet\)$/)
      assert.match(error.log, /processed \d+ insns/)
      assert.ok(error.notes.some((note) => note.includes("prog 'bad'")))
      return true
    },
  )
})

test('what is not an object is refused', () => {
  assert.throws(() => BpfObject.open(new Uint8Array(100)), LoadError)
  assert.throws(() => BpfObject.open('/does/not/exist.o'), /ENOENT/)
})

test('the telling line stands before the verifier’s figures', () => {
  assert.equal(tellingLine('0: R1=ctx()\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0\n\n'), 'R0 !read_ok')
  assert.equal(tellingLine(''), '')
})
