import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Transaction } from './transaction.ts'
import { VpcError } from '../vpc-error.ts'

test('a rollback takes everything back, last first', () => {
  const tx = new Transaction('try')
  const order: string[] = []
  const object = { a: 1, b: null as string | null }
  const map = new Map([
    ['x', 1],
    ['y', 2],
  ])
  const set = new Set(['p', 'q'])
  tx.set(object, 'a', 2)
  tx.did(() => order.push('first'))
  tx.set(object, 'a', 3)
  tx.set(object, 'b', 'b')
  tx.put(map, 'x', 9)
  tx.put(map, 'z', 3)
  tx.drop(map, 'y')
  tx.drop(map, 'none')
  tx.add(set, 'r')
  tx.add(set, 'p')
  tx.drop(set, 'q')
  tx.did(() => order.push('second'))
  assert.deepEqual(
    [object, [...map], [...set]],
    [
      { a: 3, b: 'b' },
      [
        ['x', 9],
        ['z', 3],
      ],
      ['p', 'r'],
    ],
  )
  assert.deepEqual(tx.rollback(), [])
  assert.deepEqual(
    [object, [...map].sort(), [...set].sort()],
    [
      { a: 1, b: null },
      [
        ['x', 1],
        ['y', 2],
      ],
      ['p', 'q'],
    ],
  )
  assert.deepEqual(order, ['second', 'first'])
  assert.deepEqual(tx.rollback(), [])
  assert.equal(order.length, 2)
})

test('what cannot be taken back is told, and the rest is', () => {
  const tx = new Transaction('try')
  const object = { a: 1 }
  tx.set(object, 'a', 2)
  tx.did(() => {
    throw new Error('stuck')
  })
  assert.deepEqual(tx.rollback().map(String), ['Error: stuck'])
  assert.equal(object.a, 1)
})

test('a device that goes is found by its ifindex, unless it is gone already', () => {
  const tx = new Transaction('replace')
  const [gone, one, other] = [0, 7, 9].map((ifindex) => ({ ifindex, pin: `hostif${ifindex}` }))
  for (const device of [gone!, one!, other!]) tx.leave(device)
  assert.deepEqual(tx.leaving, [gone, one, other])
  assert.equal(tx.leavingDevice(8, 9), other)
  assert.equal(tx.leavingDevice(7, undefined), one)
  assert.equal(tx.leavingDevice(0, undefined), undefined)
  assert.equal(tx.leavingDevice(8), undefined)
})

test('what was put off is done at the end, in order, each whether or not others fail', () => {
  const tx = new Transaction('try')
  const done: string[] = []
  tx.later('do one', () => void done.push('one'))
  tx.later('do two', () => {
    throw new Error('no')
  })
  tx.later('do three', () => void done.push('three'))
  assert.deepEqual(done, [])
  assert.deepEqual(
    tx.finish().map(({ what, error }) => `${what}: ${String(error)}`),
    ['do two: Error: no'],
  )
  assert.deepEqual(done, ['one', 'three'])
})

test('a refusal says what was asked, why not, and what to do', () => {
  const tx = new Transaction('try')
  tx.asked = 'add port vpcp0'
  assert.throws(
    () => tx.refuse('EBUSY', 'it is taken', 'choose another'),
    (error) => {
      assert.ok(error instanceof VpcError)
      assert.deepEqual([error.code, error.errno, error.message], ['EBUSY', 16, 'cannot add port vpcp0: it is taken; choose another'])
      return true
    },
  )
})
