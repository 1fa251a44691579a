import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, fromMapped, ipFrom, parseIp, toMapped } from './ip-address.ts'
import { formatIpv4, ipv4From, parseIpv4 } from './ipv4-address.ts'
import { formatIpv6, ipv6From, linkLocal, multicastMac, parseIpv6, solicitedNode } from './ipv6-address.ts'
import { formatMac, macFrom } from './mac.ts'

const sixteen = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Zero groups are rare in random bytes, and they are what the text is about.
  fc
    .array(fc.constantFrom([0, 0], [0, 1], [0x20, 1], [0xff, 0xff]), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flat())),
)
const textLike = fc.string({ unit: fc.constantFrom(...'0123456789abcfF:.%/ x'), maxLength: 24 })

test('IPv4 takes four decimal numbers and no form of inet_aton', () => {
  assert.deepEqual([...ipv4From('192.0.2.255')], [192, 0, 2, 255])
  for (const text of [
    '010.1.1.1',
    '10.1',
    '10.1.1',
    '0x7f.0.0.1',
    '1',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.4 ',
    '',
    '1.2.3.-4',
    '00.0.0.0',
    '١.1.1.1',
  ])
    assert.equal(parseIpv4(text).ok, false, text)
  const refused = parseIpv4('10.01.0.1')
  assert.equal(!refused.ok && refused.problem, "'10.01.0.1' is not an IPv4 address: '01' has a leading zero")
})

test('IPv4 agrees with inet_pton on any text', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), textLike), (text) => assert.equal(parseIpv4(text).ok, isIPv4(text))))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => assert.deepEqual([...ipv4From(formatIpv4(bytes))], [...bytes])),
  )
})

test('IPv6 is read in every form of RFC 4291, section 2.2', () => {
  const forms = ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a', '2001:db8:0:0:8:800:32.12.65.122']
  for (const text of forms) assert.equal(formatIpv6(ipv6From(text)), '2001:db8::8:800:200c:417a', text)
  assert.deepEqual([...ipv6From('::')], Array(16).fill(0))
  assert.equal(formatIpv6(ipv6From('::13.1.68.3')), '::d01:4403')
})

test('IPv6 refuses zones and what is not an address', () => {
  for (const text of [
    'fe80::1%eth0',
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    ':1::',
    '1.2.3.4::',
    '::1.2.3',
    '::01.2.3.4',
    '::1.2.3.4:5',
    'g::',
    ' ::1',
    '[::1]',
  ])
    assert.equal(parseIpv6(text).ok, false, text)
})

test('IPv6 agrees with inet_pton on any text without a zone', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), textLike), (text) => assert.equal(parseIpv6(text).ok, isIPv6(text) && !text.includes('%'), text)),
  )
})

test('IPv6 is written as RFC 5952, sections 4 and 5, has it', () => {
  const pairs = [
    ['2001:0db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AAAA', '2001:db8::aaaa'],
    ['0:0:0:0:0:ffff:c000:201', '::ffff:192.0.2.1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:0:0:0:0:0:1', '::1'],
  ]
  for (const [text, canonical] of pairs) assert.equal(formatIpv6(ipv6From(text!)), canonical)
})

test('IPv6 text comes back as the same bytes, and is what a URL makes of it', () => {
  fc.assert(
    fc.property(sixteen, (bytes) => {
      const text = formatIpv6(bytes)
      assert.deepEqual([...ipv6From(text)], [...bytes])
      if (!text.includes('.')) assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`)
    }),
  )
})

test('an address of either family goes through 16 bytes and back', () => {
  for (const text of ['10.0.0.1', '2001:db8::1', '::1', '255.255.255.255']) {
    assert.equal(toMapped(ipFrom(text)).length, 16)
    assert.equal(formatIp(fromMapped(toMapped(ipFrom(text)))), text)
  }
  assert.equal(parseIp('fe80::1%2').ok, false)
})

test('addresses made of a MAC and of an address', () => {
  // RFC 2464, sections 4 and 7; RFC 4291, section 2.7.1.
  assert.equal(formatIpv6(linkLocal(macFrom('34:56:78:9a:bc:de'))), 'fe80::3656:78ff:fe9a:bcde')
  assert.equal(formatIpv6(solicitedNode(ipv6From('4037::1:800:200e:8c6c'))), 'ff02::1:ff0e:8c6c')
  assert.equal(formatMac(multicastMac(ipv6From('ff02::1:ff0e:8c6c'))), '33:33:ff:0e:8c:6c')
})
