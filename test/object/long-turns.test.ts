/**
 * Operations on a whole host run in turns: none blocks the event loop, and so all clients, for long. Turns are measured
 * by their CPU time, so that a busy machine changes nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { handleType, openFlag, operations, type OperationName } from '#abi/command.ts'
import { generateId, idBytes } from '#abi/id.ts'
import type { Handle } from '#object/host.ts'
import { ScratchHost } from './scratch-host.ts'

/** A turn of one step after another is ended after 5 ms; a step should take less than that. */
const mostMs = 50

let host: ScratchHost
let handle: Handle
before(() => {
  host = new ScratchHost({})
  const caller = { pid: process.pid, uid: 0, gid: 0 }
  const { create, read, write } = openFlag
  handle = host.host.open(caller, idBytes(generateId('mgmt')), handleType('mgmt'), BigInt(create | read | write))
})
after(async () => {
  handle.close()
  await host[Symbol.asyncDispose]()
})

const port = (i: number): object => ({
  id: generateId('vpcp'),
  'broadcast-rate': 100 + (i % 7),
  addresses: [`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, `2001:db8::${i.toString(16)}`],
})

/** A host of some switches with all these ports, and neighbours. */
function largeDocument(ports: number): Buffer {
  const switches = 10
  const some = ports / switches
  const document = {
    version: 1,
    switches: Array.from({ length: switches }, (_, s) => ({
      id: generateId('vpcsw'),
      vni: 7000 + s,
      ports: Array.from({ length: some }, (_, i) => port(s * some + i)),
      neighbours: Array.from({ length: some }, (_, i) => ({
        vni: 7000 + s,
        address: `10.200.${i >> 8}.${i & 255}`,
        mac: `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`,
      })),
    })),
  }
  return Buffer.from(JSON.stringify(document))
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Do an operation, and look at each turn until it has ended. Gives the longest, and how many there were. */
async function turnsOf(name: OperationName, input: Uint8Array): Promise<{ longestMs: number; turns: number; output: Uint8Array }> {
  const seen = { longestMs: 0, turns: 0 }
  let last = cpuMs()
  let ended = false
  const look = (): void => {
    const now = cpuMs()
    seen.longestMs = Math.max(seen.longestMs, now - last)
    seen.turns++
    last = now
    if (!ended) setImmediate(look)
  }
  const done = handle.request(operations[name].command, input)
  setImmediate(look)
  const output = await done
  look()
  ended = true
  return { ...seen, output }
}

const ports = 5_000
const large = largeDocument(ports)
const deeds: readonly (readonly [what: string, name: OperationName, input: Uint8Array])[] = [
  ['a plan', 'mgmtPlan', large],
  ['an apply', 'mgmtApply', large],
  ['an apply of what is so already', 'mgmtApply', large],
  ['an export', 'mgmtExport', Buffer.alloc(0)],
  ['an apply that removes all', 'mgmtApply', Buffer.from('{"version":1}')],
]

for (const [what, name, input] of deeds) {
  test(`${what} of ${ports} ports holds nobody up`, async (t) => {
    const { longestMs, turns } = await turnsOf(name, input)
    t.diagnostic(`${turns} turns, the longest of ${longestMs.toFixed(1)} ms`)
    assert.ok(turns > 10, `${turns} turns`)
    assert.ok(longestMs < mostMs, `one turn took ${longestMs.toFixed(1)} ms of CPU`)
  })
}
