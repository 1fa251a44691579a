/** The tests' own raw socket: what goes in on one side of a veth comes out at the other, tag and all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ipBatch } from '#lab/ip-batch.ts'

import { ethernetFrame } from '#wire/frames.ts'
import { macFrom } from '#wire/mac.ts'
import { RawSocket } from './raw-socket.ts'

test('a frame comes out at the other end as it went in', async () => {
  const netns = `raw${process.pid}`
  await ipBatch([['netns', 'add', netns]])
  try {
    await ipBatch(
      [
        ['link', 'add', 'name', 'a', 'type', 'veth', 'peer', 'name', 'b'],
        ['link', 'set', 'dev', 'a', 'up'],
        ['link', 'set', 'dev', 'b', 'up'],
      ],
      { netns },
    )
    using a = RawSocket.open(netns, 'a')
    using b = RawSocket.open(netns, 'b')
    const link = { srcMac: macFrom('02:00:00:00:00:01'), dstMac: macFrom('02:00:00:00:00:02') }
    const plain = ethernetFrame({ ...link, type: 0x88b5 }, Uint8Array.of(1, 2, 3))
    const tagged = ethernetFrame({ ...link, vlan: 12, type: 0x88b5 }, Uint8Array.of(4, 5, 6))
    for (const frame of [plain, tagged]) {
      a.send(frame)
      const got = await b.waitFor((candidate) => Buffer.from(candidate.subarray(0, frame.length)).equals(frame))
      assert.ok(got, `a frame of ${frame.length} bytes did not come`)
    }
    assert.ok(!a.receive().some((frame) => Buffer.from(frame.subarray(6, 12)).equals(link.srcMac)), 'it saw what it sent itself')
  } finally {
    await ipBatch([['netns', 'del', netns]])
  }
})
