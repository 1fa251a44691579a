/** A host as a document: what it exports, applied, changes nothing; what is applied is all done, or nothing of it. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { generateId } from '#abi/id.ts'
import { openFlag } from '#abi/command.ts'
import { json, text } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'
import { world } from './world.ts'

const { create, read, write } = openFlag

const exported = (host: ScratchHost): HostDocument => {
  const mgmt = host.mgmt()
  using _ = mgmt.handle
  return json(mgmt.do('mgmtExport')) as HostDocument
}

function apply(host: ScratchHost, document: unknown, operation: 'mgmtApply' | 'mgmtPlan' = 'mgmtApply'): HostChange[] {
  const mgmt = host.open('mgmt', generateId('mgmt'), create | read | write)
  try {
    return json(mgmt.do(operation, text(JSON.stringify(document)))) as HostChange[]
  } finally {
    mgmt.handle.close()
  }
}

/** Without what differs after objects were made anew. */
const comparable = (host: ScratchHost): unknown => JSON.parse(JSON.stringify(exported(host)))

suite('a host as a document', () => {
  test('applied as it was exported changes nothing; an empty one takes all away; then it makes all again', async () => {
    await using host = new ScratchHost()
    for (const { handle } of Object.values(world(host))) handle.close()
    const before = host.snapshot()
    const document = comparable(host) as HostDocument
    assert.deepEqual(apply(host, document), [])
    assert.deepEqual(host.snapshot(), before)
    const removed = apply(host, { version: 1 })
    assert.equal(removed.length, 9)
    assert.ok(removed.every(({ action }) => action === 'remove'))
    assert.deepEqual(exported(host), { version: 1 })
    assert.deepEqual(
      host.netlink.links().filter(({ alias }) => alias?.startsWith('vpc:')),
      [],
    )
    assert.deepEqual(host.datapath.attachments(), [])
    const made = apply(host, document)
    assert.equal(made.length, 9)
    assert.deepEqual(exported(host), document)
    assert.deepEqual(apply(host, document), [])
    await host.kill()
    host.start()
    assert.deepEqual(exported(host), document)
    assert.deepEqual(
      host.lines.filter(({ message }) => message.includes('repaired')),
      [],
    )
  })
})
