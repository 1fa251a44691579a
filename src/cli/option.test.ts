/** Options: what their kinds take and refuse, and what the modifiers do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateId, idBytes } from '#abi/id.ts'
import { GivenName } from './given-name.ts'
import { fresh, vmnicId } from './id-options.ts'
import {
  endpointOption,
  idOf,
  idOfAny,
  interfaceName,
  ipOption,
  macOption,
  macOrZeroOption,
  mtuOption,
  vlanOption,
  vniOption,
  vtepOption,
} from './kinds.ts'
import { choice, flag, integer, longName, text, toggle, type Option } from './option.ts'

const value = (option: Option<any>, input: string): unknown => {
  const result = option.spec.parse(input)
  assert.ok(result.ok, `${input}: ${result.ok ? '' : result.problem}`)
  return result.value
}

const problem = (option: Option<any>, input: string): string => {
  const result = option.spec.parse(input)
  assert.ok(!result.ok, `${input} was taken`)
  return result.problem
}

test('numbers stay in their ranges', () => {
  assert.equal(value(vniOption(''), '16777215'), 16777215)
  assert.equal(problem(vniOption(''), '16777216'), "'16777216' is not a VNI; a VNI is a number from 0 to 16777215")
  assert.equal(value(vlanOption(''), '4094'), 4094)
  assert.equal(problem(vlanOption(''), '4095'), "'4095' is not a whole number from 0 to 4094")
  assert.equal(value(mtuOption(''), '1450'), 1450)
  for (const bad of ['', '-1', '1.5', '1e3', ' 1', '0x', 'one', '67'])
    assert.match(problem(mtuOption(''), bad), /is not a whole number from 68 to 65535/)
  assert.equal(value(integer('', 'N', 0, 255), '0xff'), 255)
})

test('an id of the wrong type gets the right one proposed', () => {
  const id = 'da64c3f3-095d-91e5-df06-5aabcfc52468'
  assert.equal(
    problem(idOf('vpcsw', ''), id),
    `id ${id} is the id of a vmnic (byte 9 is 6); for a switch use da64c3f3-095d-91e5-df01-5aabcfc52468`,
  )
  assert.equal(value(idOf('vmnic', ''), id.toUpperCase()), id)
  assert.match(
    problem(idOf('vmnic', ''), 'da64c3f3-095d-91e5-df06-5babcfc52468'),
    /multicast bit .* use da64c3f3-095d-91e5-df06-5aabcfc52468/,
  )
  assert.match(problem(idOf('vmnic', ''), '07f95a11-6788-2ae7-c306-ba95cff1db3x'), /is not an id/)
  assert.match(problem(idOf('vmnic', ''), 'a b'), /'a b' is not an id.*'a b' is not a name/)
  assert.equal(problem(idOf('vmnic', ''), 'vpcsw0'), 'vpcsw0 is a switch, not a vmnic')
  for (const given of ['vmnic0', 'web', '07f9', 'beef'])
    assert.deepEqual(value(idOf('vmnic', ''), given), new GivenName(given, ['vmnic']), given)
  assert.match(problem(fresh(vmnicId, 'vmnic'), 'web'), /'web' is not an id/)
})

test('an id of none of several types gets one of each proposed', () => {
  const option = idOfAny(['vmnic', 'hostif', 'ethlink'], '')
  assert.equal(
    problem(option, '07f95a11-6788-2ae7-c301-ba95cff1db38'),
    'id 07f95a11-6788-2ae7-c301-ba95cff1db38 is the id of a switch (byte 9 is 1); for a vmnic use 07f95a11-6788-2ae7-c306-ba95cff1db38, ' +
      'for a hostif 07f95a11-6788-2ae7-c30b-ba95cff1db38, for an ethlink 07f95a11-6788-2ae7-c308-ba95cff1db38',
  )
  for (const type of ['vmnic', 'hostif', 'ethlink'] as const) {
    const id = generateId(type)
    assert.equal(value(option, id), id)
  }
})

test('the id that is proposed is taken', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const hex = Buffer.from(bytes).toString('hex')
      const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
      const result = idOf('ethlink', '').spec.parse(id)
      if (result.ok) return
      const proposed = /[\da-f-]{36}$/.exec(result.problem)![0]
      assert.equal(value(idOf('ethlink', ''), proposed), proposed)
      assert.deepEqual(idBytes(proposed as never).subarray(0, 9), bytes.subarray(0, 9))
    }),
  )
})

test('addresses come out in their canonical form', () => {
  assert.equal(value(ipOption(''), '2001:DB8:0::1'), '2001:db8::1')
  assert.equal(value(macOption(''), '02:00:5E:10:00:01'), '02:00:5e:10:00:01')
  assert.equal(value(endpointOption(''), '[2001:DB8::1]:4789'), '[2001:db8::1]:4789')
  assert.equal(value(vtepOption(''), '192.0.2.2'), '192.0.2.2')
  assert.equal(value(vtepOption(''), '192.0.2.2:8472'), '192.0.2.2:8472')
  assert.equal(value(vtepOption(''), '2001:DB8::2'), '2001:db8::2')
  assert.equal(value(vtepOption(''), '[2001:DB8::2]:8472'), '[2001:db8::2]:8472')
  assert.equal(value(macOrZeroOption(''), '00:00:00:00:00:00'), '00:00:00:00:00:00')
})

test('addresses that cannot be meant are refused', () => {
  assert.match(problem(macOption(''), '01:00:5e:10:00:01'), /is a multicast MAC address/)
  assert.match(problem(macOption(''), '00:00:00:00:00:00'), /is not an interface's MAC address/)
  assert.match(problem(macOrZeroOption(''), 'ff:ff:ff:ff:ff:ff'), /all zeros stand for broadcast/)
  assert.equal(problem(endpointOption(''), '192.0.2.1'), "'192.0.2.1' has no port; write 192.0.2.1:4789")
  for (const bad of ['010.1.1.1', '10.1', 'fe80::1%eth0', 'localhost'])
    assert.match(problem(ipOption(''), bad), /is not an IPv[46] address/)
})

test('interface names are those that Linux takes', () => {
  assert.equal(value(interfaceName(''), 'eth0.100'), 'eth0.100')
  for (const bad of ['', '.', '..', 'a/b', 'a b', 'sixteen-letters-'])
    assert.match(problem(interfaceName(''), bad), /cannot be the name of an interface/)
})

test('words, flags and texts', () => {
  assert.equal(problem(choice('', ['on', 'off']), 'yes'), "'yes' is not one of on, off")
  assert.equal(value(choice('', ['on', 'off']).foldingCase, 'ON'), 'on')
  assert.equal(value(flag(''), 'false'), false)
  assert.match(problem(flag(''), 'no'), /neither true nor false/)
  assert.equal(toggle('').spec.fallback, undefined)
  assert.equal(problem(text('', 'FILE'), ''), 'the value is empty')
})

test('modifiers leave the option that they were asked of as it was', () => {
  const plain = vniOption('help')
  assert.equal(plain.required.spec.isRequired, true)
  assert.equal(plain.short('n').spec.short, 'n')
  assert.equal(plain.default(7).spec.fallback, 7)
  assert.deepEqual(plain.repeated.spec.fallback, [])
  assert.deepEqual(
    [plain.spec.isRequired, plain.spec.short, plain.spec.fallback, plain.spec.isRepeated],
    [false, undefined, undefined, false],
  )
  assert.equal(longName('l2Name', plain), 'l2-name')
})
