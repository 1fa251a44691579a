import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dst, fdbKey, neighbourKey, noDst, portAddressKey } from '#datapath/layout.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { addressKey, macNumber } from '../keys.ts'
import { fdbPlace } from './fdb.ts'
import { neighbourPlace } from './neighbours.ts'
import { portAddress } from './port-addresses.ts'
import { encodeShared } from './projection.ts'

const mac = macFrom('02:01:02:03:04:05')
const address = toMapped(ipFrom('10.0.0.1'))

test('keys of the model are encoded as the tables have them', () => {
  assert.deepEqual(fdbPlace.encode({ segment: 5001, mac: macNumber(mac) }), fdbKey.encode({ segment: 5001, mac }))
  assert.deepEqual(
    neighbourPlace.encode({ segment: 5001, address: addressKey(address) }),
    neighbourKey.encode({ segment: 5001, addr: address }),
  )
  assert.deepEqual(portAddress.encode({ stats: 3, address: addressKey(address) }), portAddressKey.encode({ stats: 3, addr: address }))
})

test('values that are the same object are encoded like any other', () => {
  const [a, b] = [
    { ...noDst, ifindex: 1 },
    { ...noDst, ifindex: 2 },
  ]
  assert.deepEqual(Buffer.from(encodeShared(dst, [a, b, a, a, b])), Buffer.concat([a, b, a, a, b].map((value) => dst.encode(value))))
  assert.equal(encodeShared(dst, []).length, 0)
})
