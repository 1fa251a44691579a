import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, ipFrom } from './ip-address.ts'
import { contains, formatPrefix, maskOf, networkOf, nthAddress, overlaps, parseNetwork, parsePrefix, prefixFrom } from './prefix.ts'

test('a prefix is an address and a length', () => {
  assert.equal(formatPrefix(prefixFrom('10.0.0.1/24')), '10.0.0.1/24')
  assert.equal(formatPrefix(networkOf(prefixFrom('fd00::1:2/112'))), 'fd00::1:0/112')
  assert.equal(formatIp(maskOf(prefixFrom('10.0.0.0/22'))), '255.255.252.0')
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/024',
    '10.0.0.0/255.0.0.0',
    'fd00::/129',
    '/24',
    '10.0.0.0/24/8',
  ])
    assert.equal(parsePrefix(text).ok, false, text)
})

test('a network has no host bits', () => {
  assert.equal(parseNetwork('10.0.0.0/24').ok, true)
  const refused = parseNetwork('10.0.0.1/24')
  assert.equal(!refused.ok && refused.problem, "'10.0.0.1/24' is not a network: it has host bits; the network is 10.0.0.0/24")
})

test('containment agrees with net.BlockList', () => {
  const four = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4())
  const six = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.ipV6())
  for (const [family, arbitrary] of [
    ['ipv4', four],
    ['ipv6', six],
  ] as const)
    fc.assert(
      fc.property(arbitrary, ([network, length, address]) => {
        const list = new BlockList()
        list.addSubnet(network, length, family)
        const prefix = prefixFrom(`${network}/${length}`)
        assert.equal(contains(prefix, ipFrom(address)), list.check(address, family))
        assert.equal(contains(prefix, ipFrom(network)), true)
      }),
    )
  assert.equal(contains(prefixFrom('0.0.0.0/0'), ipFrom('::1')), false)
})

test('networks overlap when one contains the other', () => {
  assert.equal(overlaps(prefixFrom('10.0.0.0/8'), prefixFrom('10.1.0.0/16')), true)
  assert.equal(overlaps(prefixFrom('10.1.0.0/16'), prefixFrom('10.0.0.0/8')), true)
  assert.equal(overlaps(prefixFrom('10.0.0.0/24'), prefixFrom('10.0.1.0/24')), false)
})

test('addresses are counted from the first, to the last', () => {
  assert.equal(formatIp(nthAddress(prefixFrom('10.0.0.0/16'), 258)!), '10.0.1.2')
  assert.equal(formatIp(nthAddress(prefixFrom('fd00::/64'), 2n ** 64n - 1n)!), 'fd00::ffff:ffff:ffff:ffff')
  assert.equal(nthAddress(prefixFrom('10.0.0.0/24'), 256), undefined)
})
