/** SCTP packets against the checksum of RFC 3720, appendix B.4, and what a reader of packets makes of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, encodeSctp } from './sctp.ts'

test('a checksum as of other implementations', () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
})

test('a packet that begins an association', () => {
  const packet = encodeSctp({ srcPort: 1000, dstPort: 8000 }, new Uint8Array(0))
  const view = new DataView(packet.buffer)
  assert.deepEqual([view.getUint16(0), view.getUint16(2), view.getUint32(4), packet[12], view.getUint16(14)], [1000, 8000, 0, 1, 20])
  const zeroed = packet.slice()
  zeroed.fill(0, 8, 12)
  assert.equal(crc32c(zeroed), view.getUint32(8, true))
})
