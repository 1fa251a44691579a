import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, frameHeader, frameKind, FrameReader, maxPayloadBytes, openRequest, protocolVersion, type Frame } from './frame.ts'

const frame = fc.record({
  sequence: fc.nat(0xffffffff),
  kind: fc.constantFrom(...Object.values(frameKind)),
  word: fc.nat(0xffffffff),
  payload: fc.uint8Array({ maxLength: 200 }),
})

const plain = (f: Frame) => ({ ...f, payload: [...f.payload] })

test('headers have 16 bytes and an open request 32', () => {
  assert.equal(frameHeader.size, 16)
  assert.equal(openRequest.size, 32)
})

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(encodeFrame))
      const reader = new FrameReader()
      const seen: Frame[] = []
      for (let at = 0, i = 0; at < stream.length; i++) {
        const next = at + cuts[i % cuts.length]!
        const { frames: got, problem } = reader.push(stream.subarray(at, next))
        assert.equal(problem, undefined)
        seen.push(...got)
        at = next
      }
      assert.deepEqual(seen.map(plain), frames.map(plain))
      assert.equal(reader.pendingBytes, 0)
    }),
  )
})

test('another version and a length beyond the bound are named, not read', () => {
  const header = { length: 0, sequence: 1, kind: frameKind.ctl, version: protocolVersion, word: 0 }
  assert.deepEqual(new FrameReader().push(frameHeader.encode({ ...header, version: 9 })).problem, { kind: 'version', version: 9 })
  const length = maxPayloadBytes + 1
  assert.deepEqual(new FrameReader().push(frameHeader.encode({ ...header, length })).problem, { kind: 'too-long', length })
})

test('garbage never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
      const reader = new FrameReader()
      for (const chunk of chunks) if (reader.push(chunk).problem) break
    }),
  )
})
