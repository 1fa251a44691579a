/**
 * Random operations with random input by the socket protocol, to a real vpcd: what it answers is an errno of its own,
 * and it goes on. Needs root.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { operations } from '#abi/command.ts'
import { errno } from '#abi/errno.ts'
import { frameKind } from '#abi/frame.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { unitTypes } from '#abi/object-type.ts'
import type { Connection } from '#client/connection.ts'
import { openConnection } from '#client/descriptor.ts'
import { VpcError } from '#client/error.ts'
import { TestHost } from '../daemon/test-host.ts'

test('random calls by the socket are answered, and leave what they should', async () => {
  await using host = TestHost.create()
  const daemon = await host.start()
  const ids = unitTypes.map((type) => ({ type, id: generateId(type) }))
  const connections: Connection[] = []
  for (const { type, id } of ids) connections.push(await openConnection(host.socketPath, id, type, { create: true }))
  connections.push(await openConnection(host.socketPath, generateId('mgmt'), 'mgmt', { create: true, write: false }))
  const known = Object.values(operations)
    .filter(({ command }) => command !== operations.metaDestroy.command && command !== operations.metaLimit.command)
    .map(({ command }) => command)
  const command = fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 8 }, fc.integer({ min: 0, max: 0xffffffff }))
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.constantFrom(...ids.map(({ id }) => idBytes(id))),
    fc.integer({ min: 0, max: 0xffffffff }).map((value) => Uint8Array.from(Buffer.from(value.toString(16).padStart(8, '0'), 'hex'))),
    fc
      .tuple(fc.constantFrom(...ids.map(({ id }) => idBytes(id))), fc.uint8Array({ maxLength: 100 }))
      .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part]))),
  )
  const ours = new Set<number>(Object.values(errno))
  const call = fc.record({ on: fc.nat(connections.length - 1), command, input })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 60 }), async (calls) => {
      const answers = calls.map(({ on, command, input }) =>
        connections[on]!.request(frameKind.ctl, command, input, { what: 'fuzz', timeoutMs: 10_000 }),
      )
      for (const answer of await Promise.allSettled(answers)) {
        if (answer.status === 'fulfilled') continue
        assert.ok(answer.reason instanceof VpcError && ours.has(answer.reason.errno), String(answer.reason))
        assert.ok(!['ETIMEDOUT', 'ECONNRESET', 'EIO'].includes(answer.reason.code), String(answer.reason))
      }
    }),
    { numRuns: 60 },
  )
  for (const connection of connections) await connection.close()
  assert.deepEqual(
    daemon.lines.filter((line) => line.includes('"level":"error"')),
    [],
  )
  await using mgmt = await host.vpc.mgmt()
  for (const { id, type, committed } of await mgmt.describeAll()) {
    assert.ok(committed, `${type} ${id}`)
    await using object = await host.vpc.open(id, type, { write: true })
    await object.destroy()
  }
  assert.deepEqual([await mgmt.count('any'), host.devices()], [0, []])
})
