import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno } from '#abi/errno.ts'
import { TableFull } from '#datapath/table.ts'
import { LoadError } from '#kernel/verifier-log.ts'
import { toVpcError, VpcError } from './vpc-error.ts'

test('a VpcError stays as it is', () => {
  const error = new VpcError('EPERM', 'no')
  assert.equal(toVpcError('try', error), error)
})

test('a full table is named with its size', () => {
  const { code, message } = toVpcError('set entries', new TableFull('fdb', 8))
  assert.equal(code, 'ENOSPC')
  assert.match(message, /^cannot set entries: table fdb is full, it takes 8 entries; remove some, or start vpcd with --table fdb=NUMBER$/)
})

test('errnos of the kernel do not pass for those by which the ABI says that an object exists or not', () => {
  const of = (number: number): string => toVpcError('try', Object.assign(new Error('ioctl: failed'), { errno: number })).code
  assert.deepEqual([errno.EEXIST, errno.ENOENT, errno.EISCONN, errno.ENOTCONN, errno.ESTALE].map(of), [
    'EBUSY',
    'EIO',
    'EBUSY',
    'EIO',
    'EIO',
  ])
  assert.deepEqual([errno.ENODEV, errno.EPERM, errno.EADDRINUSE].map(of), ['ENODEV', 'EPERM', 'EADDRINUSE'])
  assert.equal(toVpcError('try', new TypeError('bug')).code, 'EIO')
  assert.equal(toVpcError('try', 'text').message, 'cannot try: text')
})

test('a program that the verifier refuses is no missing right of the caller', () => {
  const { code, message } = toVpcError('create a vmnic', new LoadError('bpf_object__load', errno.EACCES, 'unit', 'R9 !read_ok', []))
  assert.equal(code, 'EIO')
  assert.match(message, /^cannot create a vmnic: .*unit.*; the kernel takes a program of vpcd no more: .*vpc doctor$/)
})
