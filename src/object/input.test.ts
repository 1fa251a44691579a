import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import { encodeSockaddr } from '#abi/layouts.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { readBoolean, readEndpoint, readId, readInterfaceName, readMac, readNumber, readVlan, readVni } from './input.ts'
import { Transaction } from './store/transaction.ts'

const tx = new Transaction('try')
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list)
const refuses = (run: () => unknown, why: RegExp): void =>
  assert.throws(run, (error) => (error as { code: string }).code === 'EINVAL' && why.test(String(error)))

describe('inputs', () => {
  test('numbers: little-endian in their length, or a varint of up to 2 bytes below 128', () => {
    const read = (size: 2 | 4, ...list: number[]): number => readNumber(tx, bytes(...list), 'a number', size)
    assert.deepEqual([read(2, 0x34, 0x12), read(4, 4, 3, 2, 1), read(2, 5), read(4, 5), read(4, 5, 0)], [0x1234, 0x01020304, 5, 5, 5])
    for (const list of [[], [1, 2, 3], [0x80], [1, 1], [1, 2, 3, 4, 5]]) {
      refuses(() => read(4, ...list), new RegExp(`little-endian number of 4 bytes; the input has ${list.length} byte`))
    }
    refuses(() => read(2, 1, 2, 3), /of 2 bytes/)
    assert.deepEqual([readBoolean(tx, bytes(1, 0), 'x'), readBoolean(tx, bytes(0), 'x')], [true, false])
    refuses(() => readBoolean(tx, bytes(2, 0), 'x'), /0 or 1, not 2/)
  })

  test('VNIs big-endian, VLAN tags, MACs', () => {
    assert.equal(readVni(tx, bytes(0, 0, 0x13, 0x89)), 5001)
    refuses(() => readVni(tx, bytes(1, 0, 0, 0)), /does not fit in 24 bits/)
    refuses(() => readVni(tx, bytes(1)), /takes 4 bytes of input, not 1/)
    assert.equal(readVlan(tx, bytes(0xff, 0x0f)), 4095)
    refuses(() => readVlan(tx, bytes(0, 0x10)), /4096 does not fit in 12 bits/)
    assert.deepEqual([...readMac(tx, bytes(2, 0, 0, 0, 0, 1))], [2, 0, 0, 0, 0, 1])
    refuses(() => readMac(tx, bytes(3, 0, 0, 0, 0, 1)), /multicast/)
    refuses(() => readMac(tx, bytes(0, 0, 0, 0, 0, 0)), /no address/)
  })

  test('ids of a type', () => {
    const id = generateId('vpcp')
    assert.equal(readId(tx, idBytes(id), 'vpcp'), id)
    refuses(() => readId(tx, idBytes(id), 'vpcsw'), /is the id of a port .* for a switch use/)
    refuses(() => readId(tx, bytes(1)), /takes 16 bytes/)
  })

  test('names of interfaces', () => {
    assert.equal(readInterfaceName(tx, Buffer.from('eth0')), 'eth0')
    assert.equal(readInterfaceName(tx, Buffer.from('eth0\0\0')), 'eth0')
    for (const bad of ['', 'a/b', 'a b', '.', '..', 'sixteen_letters_', 'eth0\0x', 'é'])
      refuses(() => readInterfaceName(tx, Buffer.from(bad)), /name/)
  })

  test('sockaddrs', () => {
    assert.deepEqual(readEndpoint(tx, encodeSockaddr({ address: ipFrom('192.0.2.1'), port: 4789 })), {
      address: ipFrom('192.0.2.1'),
      port: 4789,
    })
    refuses(() => readEndpoint(tx, encodeSockaddr({ address: ipFrom('192.0.2.1'), port: 0 })), /port 0/)
    refuses(() => readEndpoint(tx, bytes(1, 2, 3)), /3 bytes of input are no sockaddr_in/)
  })
})
