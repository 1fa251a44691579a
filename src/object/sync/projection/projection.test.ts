import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeArray, fte } from '#abi/layouts.ts'
import { dst, dstKind, fdbKey, neighbourKey, noDst, portAddressKey } from '#datapath/layout.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { addressKey, macNumber } from '../../store/keys.ts'
import { loadEntries } from '../../type/mux-entries.ts'
import { Dirty } from '../../store/dirty.ts'
import { EntryStore } from '../../store/entry-store.ts'
import { Model, type Mux, type Port } from '../../store/model.ts'
import { encodeFdb, fdb, fdbPlace } from './fdb.ts'
import { neighbourPlace } from './neighbours.ts'
import { portAddress } from './port-addresses.ts'
import { encodeShared, expected } from './projection.ts'

const mac = macFrom('02:01:02:03:04:05')
const address = toMapped(ipFrom('10.0.0.1'))

test('keys of the model are encoded as the tables have them', () => {
  assert.deepEqual(fdbPlace.encode({ segment: 5001, mac: macNumber(mac) }), fdbKey.encode({ segment: 5001, mac }))
  assert.deepEqual(
    neighbourPlace.encode({ segment: 5001, address: addressKey(address) }),
    neighbourKey.encode({ segment: 5001, addr: address }),
  )
  assert.deepEqual(portAddress.encode({ stats: 3, address: addressKey(address) }), portAddressKey.encode({ stats: 3, addr: address }))
})

test('values that are the same object are encoded like any other', () => {
  const [a, b] = [
    { ...noDst, ifindex: 1 },
    { ...noDst, ifindex: 2 },
  ]
  assert.deepEqual(Buffer.from(encodeShared(dst, [a, b, a, a, b])), Buffer.concat([a, b, a, a, b].map((value) => dst.encode(value))))
  assert.equal(encodeShared(dst, []).length, 0)
})

/** A mux in service with these entries: the numbers are VNI, last byte of the MAC, and last byte of the VTEP. */
function muxWith(model: Model, entries: readonly (readonly [vni: number, mac: number, vtep: number])[]): void {
  const store = new EntryStore()
  const list = entries.map(([vni, last, vtep]) => {
    const address = Uint8Array.of(192, 0, 2, vtep, ...new Uint8Array(12))
    return { vni, mac: Uint8Array.of(2, 0, 0, 0, 0, last), port: 0, family: 4, pad: new Uint8Array(3), address }
  })
  loadEntries(store, 'set', encodeArray(fte, list))
  const listen = { address: Uint8Array.of(192, 0, 2, 1), port: 4789 }
  const mux = {
    type: 'vpcmux',
    unit: 0,
    ifindex: 9,
    source: 7,
    mtuBytes: 1550,
    paths: new Map(),
    farVteps: [],
    underlay: { ifindex: 5 },
    listen,
    entries: store,
  }
  model.byType.vpcmux.set(0, mux as unknown as Mux)
}

test('many MACs encoded at once are what each of them is', () => {
  const model = new Model()
  // One VTEP is this host itself, which is not a place to send to.
  muxWith(model, [
    [5001, 1, 2],
    [5001, 2, 3],
    [5002, 1, 2],
    [5002, 3, 1],
  ])
  const dirty = new Dirty()
  const places = [1, 2, 3, 4].flatMap((last) => [5001, 5002, 5003].map((segment) => ({ segment, mac: 0x0200_0000_0000 + last })))
  for (const { segment, mac } of places) dirty.fdb.add(segment, mac)
  const ordered = [...dirty.fdb.groups].flatMap(([segment, macs]) => Array.from(macs, (mac) => ({ segment, mac })))
  const { keys, values, gone } = expected(fdb, model, ordered)
  const encoded = encodeFdb(model, dirty.fdb)
  assert.equal(keys.length, 3)
  assert.deepEqual(Buffer.from(encoded.keys), Buffer.from(encodeArray(fdbPlace, keys)))
  assert.deepEqual(Buffer.from(encoded.values), Buffer.from(encodeShared(dst, values)))
  assert.deepEqual(Buffer.from(encoded.gone), Buffer.from(encodeArray(fdbPlace, gone)))
  const listed = new Dirty()
  for (const [segment, macs] of dirty.fdb.groups) listed.fdb.addList(segment, [...macs])
  assert.deepEqual(encodeFdb(model, listed.fdb), encoded)
  // What is in both is encoded once.
  for (const { segment, mac: number } of places) listed.fdb.add(segment, number)
  assert.deepEqual(encodeFdb(model, listed.fdb), encoded)
})

test('a unit whose MAC an entry puts behind another host takes frames that this host alone sends on', () => {
  const model = new Model()
  muxWith(model, [
    [5001, 1, 2],
    [5001, 3, 1],
  ])
  const sw = { up: true, uplink: null }
  const port = { peer: { type: 'vmnic', ifindex: 4, mtuBytes: 1500 }, switch: sw, vlan: 0, source: 5, groups: [], limits: {} }
  const places = [1, 2, 3].map((last) => ({ segment: 5001, mac: 0x0200_0000_0000 + last }))
  model.members.set(5001, new Map(places.map(({ mac }) => [mac, port as unknown as Port])))
  const { values } = expected(fdb, model, places)
  // The second has no entry, and that of the third is this host itself.
  assert.deepEqual(
    values.map(({ kind, vtep }) => [kind, vtep.family, vtep.addr[3]]),
    [
      [dstKind.local, 4, 2],
      [dstKind.local, 0, 0],
      [dstKind.local, 0, 0],
    ],
  )
  const dirty = new Dirty()
  for (const { segment, mac } of places) dirty.fdb.add(segment, mac)
  assert.deepEqual(Buffer.from(encodeFdb(model, dirty.fdb).values), Buffer.from(encodeShared(dst, values)))
})
