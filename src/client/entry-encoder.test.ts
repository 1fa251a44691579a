/** Entries encoded quickly are those that are encoded one by one, and bad ones are refused alike. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeArray, fte } from '#abi/layouts.ts'
import { encodeEntries } from './entry-encoder.ts'
import { toFte } from './text.ts'

const hex = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 })
const mac = hex.map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'))
const vtep = fc.constantFrom('192.0.2.1', '192.0.2.2:4790', '2001:db8::1', '[2001:db8::1]:4790')

test('the same bytes', () => {
  const entries = fc.array(
    fc.record({
      vni: fc.integer({ min: 0, max: 0xffffff }),
      mac: fc.oneof(
        mac,
        mac.map((text) => text.toUpperCase()),
      ),
      vtep,
    }),
  )
  fc.assert(fc.property(entries, (list) => assert.deepEqual(encodeEntries(list), encodeArray(fte, list.map(toFte)))))
})

test('the same refusals', () => {
  const text = fc.oneof(
    fc.string(),
    mac.map((good) => good.slice(0, -1)),
    mac.map((good) => `${good}0`),
    mac.map((good) => good.replace(':', '-')),
  )
  fc.assert(
    fc.property(text, fc.integer(), (bad, vni) => {
      const entry = { vni, mac: bad, vtep: '192.0.2.1' }
      const outcome = (run: () => Uint8Array): string => {
        try {
          return Buffer.from(run()).toString('hex')
        } catch (error) {
          return String(error)
        }
      }
      assert.equal(
        outcome(() => encodeEntries([entry])),
        outcome(() => encodeArray(fte, [toFte(entry)])),
      )
    }),
  )
})
