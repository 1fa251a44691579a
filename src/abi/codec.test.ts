import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ipFrom } from '#wire/ip-address.ts'
import { flag, idOf, interfaceName, mac, number, sockaddr, vlan, vni, type Codec } from './codec.ts'
import { generateId, idBytes } from './id.ts'
import { encodeSockaddr } from './layouts.ts'
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list)
/** The value, or what is wrong. */
function value<T>(codec: Codec<T>, input: Uint8Array): T {
  const read = codec.decode(input)
  if (read.ok) return read.value
  throw new Error(read.why)
}
const refuses = (run: () => unknown, why: RegExp): void => assert.throws(run, why)

describe('inputs', () => {
  test('numbers: little-endian in their length, or a varint of up to 2 bytes below 128', () => {
    const read = (size: 2 | 4, ...list: number[]): number => value(number('a number', size), bytes(...list))
    assert.deepEqual([read(2, 0x34, 0x12), read(4, 4, 3, 2, 1), read(2, 5), read(4, 5), read(4, 5, 0)], [0x1234, 0x01020304, 5, 5, 5])
    for (const list of [[], [1, 2, 3], [0x80], [1, 1], [1, 2, 3, 4, 5]]) {
      refuses(() => read(4, ...list), new RegExp(`little-endian number of 4 bytes; the input has ${list.length} byte`))
    }
    refuses(() => read(2, 1, 2, 3), /of 2 bytes/)
    assert.deepEqual([value(flag('x'), bytes(1, 0)), value(flag('x'), bytes(0))], [true, false])
    refuses(() => value(flag('x'), bytes(2, 0)), /0 or 1, not 2/)
  })

  test('VNIs big-endian, VLAN tags, MACs', () => {
    assert.equal(value(vni, bytes(0, 0, 0x13, 0x89)), 5001)
    refuses(() => value(vni, bytes(1, 0, 0, 0)), /does not fit in 24 bits/)
    refuses(() => value(vni, bytes(1)), /takes 4 bytes of input, not 1/)
    assert.equal(value(vlan, bytes(0xff, 0x0f)), 4095)
    refuses(() => value(vlan, bytes(0, 0x10)), /4096 does not fit in 12 bits/)
    assert.deepEqual([...value(mac, bytes(2, 0, 0, 0, 0, 1))], [2, 0, 0, 0, 0, 1])
    refuses(() => value(mac, bytes(3, 0, 0, 0, 0, 1)), /multicast/)
    refuses(() => value(mac, bytes(0, 0, 0, 0, 0, 0)), /not an address/)
  })

  test('ids of a type', () => {
    const id = generateId('vpcp')
    assert.equal(value(idOf('vpcp'), idBytes(id)), id)
    refuses(() => value(idOf('vpcsw'), idBytes(id)), /is the id of a port .* for a switch use/)
    refuses(() => value(idOf(), bytes(1)), /takes 16 bytes/)
  })

  test('names of interfaces', () => {
    assert.equal(value(interfaceName, Buffer.from('eth0')), 'eth0')
    assert.equal(value(interfaceName, Buffer.from('eth0\0\0')), 'eth0')
    for (const bad of ['', 'a/b', 'a b', '.', '..', 'sixteen_letters_', 'eth0\0x', 'é'])
      refuses(() => value(interfaceName, Buffer.from(bad)), /name/)
  })

  test('sockaddrs', () => {
    assert.deepEqual(value(sockaddr, encodeSockaddr({ address: ipFrom('192.0.2.1'), port: 4789 })), {
      address: ipFrom('192.0.2.1'),
      port: 4789,
    })
    refuses(() => value(sockaddr, encodeSockaddr({ address: ipFrom('192.0.2.1'), port: 0 })), /port 0/)
    refuses(() => value(sockaddr, bytes(1, 2, 3)), /3 bytes of input are not a sockaddr_in/)
  })
})
