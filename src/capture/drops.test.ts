import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DropEvent } from '#abi/info.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { droppedFrames } from './drops.ts'

const [srcMac, dstMac] = [macFrom('02:00:00:00:00:01'), macFrom('02:00:00:00:00:02')]
const [src, dst] = [ipFrom('10.0.0.1'), ipFrom('10.0.0.2')]

function dropTo(port: number): DropEvent {
  const frame = udpFrame({ srcMac, dstMac, src, dst, srcPort: 1000, dstPort: port })
  const data = Buffer.from(frame).toString('base64')
  return { time: '2026-01-01T00:00:00Z', reason: 'sg_denied', length: frame.length, data, lost: port } as unknown as DropEvent
}

test('only a drop that the filter takes gets a comment, which may ask others and take long', async () => {
  async function* events(): AsyncGenerator<DropEvent> {
    for (const port of [53, 80, 53, 443]) yield dropTo(port)
  }
  const asked: number[] = []
  const commentOf = async ({ lost }: DropEvent): Promise<string> => {
    asked.push(lost)
    return `to ${lost}`
  }
  const comments: string[] = []
  for await (const { comment } of droppedFrames(events(), commentOf, 64, 'udp port 80')) comments.push(comment)
  assert.deepEqual([asked, comments], [[80], ['to 80']])
})
