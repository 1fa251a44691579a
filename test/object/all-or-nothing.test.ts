/**
 * Every operation that changes something is done wholly or not at all: each is made to fail at its end, and must leave
 * no trace.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import type { OperationName } from '#abi/command.ts'
import { macFrom } from '#wire/mac.ts'
import { addresses, broadcast, entry, neighbour, none, sockaddr, text, u16, u32, u64, vni } from './inputs.ts'
import { refused, ScratchHost, tableNames } from './scratch-host.ts'
import { world, type World } from './world.ts'

type Step = readonly [who: keyof World, name: OperationName, input: (all: World) => Uint8Array]

const nothing = (): Uint8Array => none
const another = generateId('vpcp')
/** Each operation that changes something, in an order in which all succeed. */
const steps: readonly Step[] = [
  ['sw', 'vpcswPortAdd', () => idBytes(another)],
  ['sw', 'vpcswPortDelete', () => idBytes(another)],
  ['sw', 'vpcswUpSet', () => u64(0n)],
  ['sw', 'vpcswFloodUnknownSet', () => u16(1)],
  ['sw', 'vpcswVniSet', () => vni(5002)],
  ['sw', 'vpcswNeighbourSet', () => neighbour(5001, '10.0.0.10')],
  ['sw', 'vpcswNeighbourDelete', () => neighbour(5001, '10.0.0.9')],
  ['sw', 'vpcswReset', nothing],
  ['subnet', 'subnetLeaseTimeSet', () => u32(600)],
  ['subnet', 'subnetManagedSet', () => u16(1)],
  ['subnet', 'subnetDhcpSet', () => u16(0)],
  ['subnet', 'subnetRaSet', () => u16(0)],
  ['port', 'vpcpVniSet', () => vni(5003)],
  ['port', 'vpcpVlanSet', () => u16(7)],
  ['port', 'vpcpAddressesSet', () => addresses('10.0.0.2')],
  ['port', 'vpcpAntispoofSet', () => u16(0)],
  ['port', 'vpcpAnyEthertypeSet', () => u16(1)],
  ['port', 'vpcpVrrpSet', () => u16(1)],
  ['port', 'vpcpRateOutSet', () => u64(1000n)],
  ['port', 'vpcpMacsSet', () => macFrom('02:00:00:00:09:01')],
  ['port', 'vpcpDisconnect', ({ hostif }) => idBytes(hostif.id)],
  ['port', 'vpcpConnect', ({ hostif }) => idBytes(hostif.id)],
  ['uplink', 'vpcpVniSet', () => vni(5004)],
  ['uplink', 'vpcpDisconnect', ({ wire }) => idBytes(wire.id)],
  ['uplink', 'vpcpConnect', ({ wire }) => idBytes(wire.id)],
  ['hostif', 'metaMacSet', () => macFrom('02:00:00:00:00:44')],
  ['hostif', 'metaMtuSet', () => u32(1400)],
  ['vmnic', 'metaMacSet', () => macFrom('02:00:00:00:00:55')],
  ['vmnic', 'metaMtuSet', () => u32(1300)],
  ['vmnic', 'vmnicQueuesSet', () => u16(4)],
  ['vmnic', 'vmnicFreeze', nothing],
  ['vmnic', 'vmnicUnfreeze', nothing],
  ['wire', 'ethlinkVtagSet', () => u16(9)],
  ['wire', 'ethlinkDisconnect', nothing],
  ['wire', 'ethlinkConnect', () => text('wire0')],
  ['wire', 'metaMtuSet', () => u32(1300)],
  ['mux', 'vpcmuxFteSet', () => entry(5001, '02:00:00:00:00:02', '192.0.2.3', 4790)],
  ['mux', 'vpcmuxFteSet', () => entry(5001, broadcast, '192.0.2.3')],
  ['mux', 'vpcmuxFteDelete', () => entry(5001, '02:00:00:00:00:01', '192.0.2.2')],
  ['mux', 'vpcmuxFteDelete', () => entry(5001, broadcast, '192.0.2.2')],
  ['mux', 'vpcmuxListen', () => sockaddr('192.0.2.1', 4790)],
  ['mux', 'metaMtuSet', () => u32(1200)],
  ['mux', 'metaMacSet', () => macFrom('02:00:00:00:00:66')],
  ['mux', 'vpcmuxDisconnect', nothing],
  ['mux', 'vpcmuxConnect', ({ underlay }) => idBytes(underlay.id)],
  ['underlay', 'metaDestroy', nothing],
  ['mux', 'metaDestroy', nothing],
  ['wire', 'metaDestroy', nothing],
  ['vmnic', 'metaDestroy', nothing],
  ['port', 'metaDestroy', nothing],
  ['sw', 'metaDestroy', nothing],
]

type Run = (...args: never[]) => unknown

/** Replace a method of an object. The result restores it. */
function inFront(object: object, method: string, make: (original: Run) => Run): () => void {
  const original = (object as Record<string, Run>)[method]!.bind(object) as Run
  Object.defineProperty(object, method, { configurable: true, value: make(original) })
  return () => void delete (object as Record<string, Run>)[method]
}

/**
 * Run an operation that must fail at the journal, after everything else, and return the other parts that it used
 * before.
 */
function failAtTheEnd(
  host: ScratchHost,
  parts: ReadonlyMap<string, readonly [object, string]>,
  run: () => unknown,
): { used: string[]; message: string } {
  const used = new Set<string>()
  const stops = [...parts].map(([part, [object, method]]) =>
    inFront(object, method, (original) => (...args) => {
      used.add(part)
      return original(...args)
    }),
  )
  const stop = (): void => stops.splice(0).forEach((end) => end())
  const mend = inFront(host.journal, 'transactInSteps', () => () => {
    stop()
    mend()
    throw Object.assign(new Error('disk full'), { errno: 28 })
  })
  const { message } = refused(run)
  return { used: [...used], message }
}

/** Run what must fail because one part of it does, once. */
function failIn([object, method]: readonly [object, string], run: () => unknown): string {
  const mend = inFront(object, method, () => () => {
    mend()
    throw new Error('no')
  })
  return refused(run).message
}

test('an operation that fails leaves everything as it was, whichever part of it fails', async () => {
  await using host = new ScratchHost()
  const all = world(host)
  const parts = new Map<string, readonly [object, string]>()
  for (const name of tableNames) {
    for (const method of ['setManyEncoded', 'deleteManyEncoded']) parts.set(`${name}.${method}`, [host.datapath.tables[name], method])
  }
  const reached = new Set<string>()
  for (const [who, name, input] of steps) {
    const run = (): unknown => all[who].do(name, input(all))
    const before = host.snapshot()
    const { used, message } = failAtTheEnd(host, parts, run)
    assert.match(message, /^cannot .*: disk full$/, `${name} of ${who}`)
    assert.deepEqual(host.snapshot(), before, `${name} of ${who}, not written down`)
    for (const part of used) {
      reached.add(part)
      assert.match(failIn(parts.get(part)!, run), /^cannot .*: no$/, `${name} of ${who}, without ${part}`)
      assert.deepEqual(host.snapshot(), before, `${name} of ${who}, without ${part}`)
    }
    run()
  }
  assert.deepEqual([...reached].sort(), [...parts.keys()].sort())
})
