/** Every operation that changes something is done wholly or not at all: each is made to fail at its end, and must leave no trace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import { encodeArray, encodeSockaddr, fte, neighbourEntry } from '#abi/layouts.ts'
import type { OperationName } from '#abi/command.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { refused, ScratchHost, u16, u32, u64, vni, type Opened } from './scratch-host.ts'

const entry = (vniNumber: number, mac: string, address: string, port = 0): Uint8Array =>
  encodeArray(fte, [{ vni: vniNumber, mac: macFrom(mac), port, family: 4, pad: new Uint8Array(3), address: ipFrom(address) }])
const neighbour = (vniNumber: number, address: string): Uint8Array =>
  encodeArray(neighbourEntry, [{ vni: vniNumber, mac: macFrom('02:00:00:00:00:99'), pad: 0, address: toMapped(ipFrom(address)) }])
const sockaddr = (address: string, port = 4789): Uint8Array => encodeSockaddr({ address: ipFrom(address), port })

/** Everything there is, committed: a switch with two units and an uplink, and a mux with entries. */
function world(host: ScratchHost): Record<'sw' | 'port' | 'other' | 'uplink' | 'hostif' | 'vmnic' | 'wire' | 'underlay' | 'mux', Opened> {
  host.addInterface('wire0')
  host.addInterface('under0', 1600, '192.0.2.1', '2001:db8::1')
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(5001))
  const ids = [generateId('vpcp'), generateId('vpcp'), generateId('vpcp')] as const
  for (const id of ids) sw.do('vpcswPortAdd', idBytes(id))
  const [port, other, uplink] = ids.map((id) => host.open('vpcp', id)) as [Opened, Opened, Opened]
  const [hostif, vmnic, wire, underlay, mux] = (['hostif', 'vmnic', 'ethlink', 'ethlink', 'vpcmux'] as const).map((type) =>
    host.create(type),
  ) as [Opened, Opened, Opened, Opened, Opened]
  port.do('vpcpConnect', idBytes(hostif.id))
  other.do('vpcpConnect', idBytes(vmnic.id))
  wire.do('ethlinkConnect', Buffer.from('wire0'))
  underlay.do('ethlinkConnect', Buffer.from('under0'))
  uplink.do('vpcpConnect', idBytes(wire.id))
  sw.do('vpcswUplinkSet', idBytes(uplink.id))
  mux.do('vpcmuxConnect', idBytes(underlay.id))
  mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
  mux.do('vpcmuxFteSet', entry(5001, '02:00:00:00:00:01', '192.0.2.2'))
  mux.do('vpcmuxFteSet', entry(5001, '00:00:00:00:00:00', '192.0.2.2'))
  sw.do('vpcswNeighbourSet', neighbour(5001, '10.0.0.9'))
  const all = { sw, port, other, uplink, hostif, vmnic, wire, underlay, mux }
  for (const opened of Object.values(all)) opened.do('metaCommit')
  return all
}

type Step = readonly [who: keyof ReturnType<typeof world>, name: OperationName, input: (all: ReturnType<typeof world>) => Uint8Array]

const none = (): Uint8Array => new Uint8Array()
const another: Id = generateId('vpcp')
/** Each operation that changes something, in an order in which all succeed. */
const steps: readonly Step[] = [
  ['sw', 'vpcswPortAdd', () => idBytes(another)],
  ['sw', 'vpcswPortDelete', () => idBytes(another)],
  ['sw', 'vpcswStateSet', () => u64(0n)],
  ['sw', 'vpcswFloodSet', () => u16(1)],
  ['sw', 'vpcswVniSet', () => vni(5002)],
  ['sw', 'vpcswNeighbourSet', () => neighbour(5001, '10.0.0.10')],
  ['sw', 'vpcswNeighbourDelete', () => neighbour(5001, '10.0.0.9')],
  ['sw', 'vpcswReset', none],
  ['port', 'vpcpVniSet', () => vni(5003)],
  ['port', 'vpcpVlanSet', () => u16(7)],
  ['port', 'vpcpAddressesSet', () => toMapped(ipFrom('10.0.0.1'))],
  ['port', 'vpcpAntispoofSet', () => u16(0)],
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
  ['vmnic', 'vmnicFreeze', none],
  ['vmnic', 'vmnicUnfreeze', none],
  ['wire', 'ethlinkVtagSet', () => u16(9)],
  ['wire', 'ethlinkDisconnect', none],
  ['wire', 'ethlinkConnect', () => Buffer.from('wire0')],
  ['wire', 'metaMtuSet', () => u32(1300)],
  ['mux', 'vpcmuxFteSet', () => entry(5001, '02:00:00:00:00:02', '192.0.2.3', 4790)],
  ['mux', 'vpcmuxFteSet', () => entry(5001, '00:00:00:00:00:00', '192.0.2.3')],
  ['mux', 'vpcmuxFteDelete', () => entry(5001, '02:00:00:00:00:01', '192.0.2.2')],
  ['mux', 'vpcmuxFteDelete', () => entry(5001, '00:00:00:00:00:00', '192.0.2.2')],
  ['mux', 'vpcmuxListen', () => sockaddr('192.0.2.1', 4790)],
  ['mux', 'metaMtuSet', () => u32(1200)],
  ['mux', 'metaMacSet', () => macFrom('02:00:00:00:00:66')],
  ['mux', 'vpcmuxDisconnect', none],
  ['mux', 'vpcmuxConnect', ({ underlay }) => idBytes(underlay.id)],
  ['underlay', 'metaDestroy', none],
  ['mux', 'metaDestroy', none],
  ['wire', 'metaDestroy', none],
  ['vmnic', 'metaDestroy', none],
  ['port', 'metaDestroy', none],
  ['sw', 'metaDestroy', none],
]

/** Have the next call of a method fail. The result ends that, and tells whether there was one. */
function failOnce<O extends object>(object: O, method: keyof O & string, error: Error, onFailure = (): void => {}): () => boolean {
  let failed = false
  // In front of the method, which is the class's.
  Object.defineProperty(object, method, {
    configurable: true,
    value: () => {
      failed = true
      delete object[method]
      onFailure()
      throw error
    },
  })
  return () => {
    delete object[method]
    return failed
  }
}

const tableNames = ['ports', 'fdb', 'flood', 'segments', 'muxes', 'neighbours', 'portAddresses'] as const

test('an operation that fails leaves everything as it was, whichever part of it fails', async () => {
  await using host = new ScratchHost()
  const all = world(host)
  const { tables } = host.datapath
  const diskFull = Object.assign(new Error('disk full'), { errno: 28 })
  const parts = new Map<string, () => () => boolean>([['journal', () => () => true]])
  for (const name of tableNames) {
    for (const method of ['setManyEncoded', 'deleteManyEncoded'] as const)
      parts.set(`${name}.${method}`, () => failOnce(tables[name], method, new Error('no')))
  }
  const reached = new Set<string>()
  for (const [who, name, input] of steps) {
    const bytes = input(all)
    for (const [part, breakIt] of parts) {
      const before = host.snapshot()
      const mend = breakIt()
      // An operation that does not need the part fails when it is written down, after all else. The part must work while that is taken back.
      const mendJournal = failOnce(host.journal, 'transact', diskFull, () => void mend())
      const { message } = refused(() => all[who].do(name, bytes))
      if (mend()) reached.add(part)
      mendJournal()
      assert.match(message, /^cannot .*: (disk full|no)$/, `${name} of ${who}, without ${part}`)
      assert.deepEqual(host.snapshot(), before, `${name} of ${who}, without ${part}`)
    }
    all[who].do(name, bytes)
  }
  assert.deepEqual(
    [...parts.keys()].filter((part) => !reached.has(part)),
    [],
  )
})
