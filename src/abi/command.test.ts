import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandBit, handleType, operationOf, operations, type Operation } from './command.ts'
import { objectType } from './object-type.ts'
import { ownUsers } from './own-users.ts'

const all = Object.entries(operations) as [string, Operation][]

test('commands have the bits that the ABI fixes', () => {
  assert.equal(operations.metaDestroy.command, 0x30090001)
  assert.equal(operations.metaMacGet.command, 0x40090005)
  assert.equal(operations.mgmtCount.command, 0xc0070001)
  assert.equal(operations.vpcswPortAdd.command, 0xb0010001)
  assert.equal(operations.vpcpVniSet.command, 0xb0020004)
  assert.equal(operations.vmnicQueuesGet.command, 0x40060001)
  assert.equal(operations.vpcmuxListen.command, 0xb0050001)
})

test('no two operations share a command, and each is found by it', () => {
  assert.equal(new Set(all.map(([, o]) => o.command)).size, all.length)
  for (const [name, o] of all) assert.equal(operationOf(o.command), name)
})

test('an operation is found although its in and out bits are unset, as old callers leave them', () => {
  assert.equal(operationOf((objectType.vpcmux << 16) | 4), 'vpcmuxEntryList')
  assert.equal(operationOf((objectType.vpcmux << 16) | 7), 'vpcmuxConnectedGet')
  assert.equal(operationOf((objectType.mgmt << 16) | 1), 'mgmtCount')
  assert.equal(operationOf(0x00630001), undefined)
})

test('what mutates is privileged, and ours never meet an original number', () => {
  for (const [name, o] of all) {
    assert.equal((o.command & commandBit.mutate) !== 0, (o.command & commandBit.privileged) !== 0, name)
    assert.ok(o.op < 0x10 || o.op >= 0x100, name)
  }
})

test('the handle type has version 1 in the top bits and the type in bits 55 to 48', () => {
  assert.equal(handleType('vpcsw'), 0x1001000000000000n)
  assert.equal(handleType('hostif'), 0x100b000000000000n)
})

test('no two of our processes share a user', () => {
  const numbers = Object.values(ownUsers)
  assert.equal(new Set(numbers).size, numbers.length)
})
