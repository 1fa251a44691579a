import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { compileBpfFile } from '../../test/bpf/compile.ts'
import { BpfObject } from './libbpf.ts'
import { Btf } from './btf.ts'
import { elfSection, elfSections, elfSymbols } from './elf.ts'

describe('the types of an object', () => {
  let file: Uint8Array
  let btf: Btf
  before(() => {
    file = compileBpfFile('probe.bpf.c')
    btf = Btf.ofObject(file)
  })

  test('are structs with their members’ places', () => {
    assert.deepEqual(btf.struct('value'), {
      name: 'value',
      size: 24,
      members: [
        { name: 'packets', offset: 0, size: 8 },
        { name: 'range', offset: 8, size: 12 },
        { name: 'pad', offset: 20, size: 4 },
      ],
    })
    assert.equal(btf.struct('nothing'), undefined)
  })

  test('are enums with their values', () => {
    assert.deepEqual(btf.enum('colour'), { RED: 1, GREEN: 7, BLUE: -1 })
    assert.equal(btf.enum('nothing'), undefined)
  })

  test('are the same as the kernel has of a map made from them', () => {
    using object = BpfObject.open(file)
    object.load()
    using table = object.map('table')
    const ofKernel = new Btf(table.readBtf()!)
    assert.equal(ofKernel.layout(table.btf.keyTypeId), 'struct { segment @0 int32; mac @4 int8[6]; pad @10 int8[2] }')
    assert.equal(
      ofKernel.layout(table.btf.valueTypeId),
      'struct { packets @0 int64; range @8 struct { low @0 int16; high @2 int16 }[3]; pad @20 int32 }',
    )
  })

  test('are found in a section, and constants by their symbols', () => {
    assert.ok(elfSections(file).some(({ name }) => name === '.maps'))
    assert.equal(elfSection(file, 'nothing'), undefined)
    const constants = elfSymbols(file).filter(({ section }) => section === '.rodata')
    assert.deepEqual(constants.map(({ name, size }) => [name, size]).sort(), [
      ['answer', 4],
      ['large', 8],
      ['small', 1],
    ])
  })
})

test('what is not an object is refused', () => {
  for (const length of [0, 10, 64, 500]) assert.throws(() => elfSections(new Uint8Array(length)), RangeError)
  for (const length of [0, 10, 64, 500]) assert.throws(() => new Btf(new Uint8Array(length)), RangeError)
})
