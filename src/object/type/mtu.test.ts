import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { endpointFrom } from '#wire/endpoint.ts'
import { zeroMac } from '#wire/mac.ts'
import { EntryStore } from '../store/entry-store.ts'
import { Model, type Ethlink, type Mux, type Vmnic } from '../store/model.ts'
import { inService, interfaceMtuBytes, muxMtuBytes, overlayMtuBytes } from './mtu.ts'

const base = { mac: zeroMac, owner: null, name: null, committed: false, descriptors: 1, dead: false }

function mux(model: Model, deviceMtuBytes: number, listen: string | null, unit = 0): { mux: Mux; ethlink: Ethlink } {
  const serving = { uplink: false, underlay: false, wire: false }
  const device = { ifindex: 7 + unit, l2Name: 'eth0', vtag: 0, serving, promiscBefore: false, deviceMtuBytes }
  const ethlink: Ethlink = {
    ...base,
    ...device,
    type: 'ethlink',
    id: generateId('ethlink'),
    unit,
    port: null,
    mtuBytes: null,
    mux: null,
    interfaceMac: null,
    mirror: { ifindex: 0, watched: false },
  }
  const settings = {
    listen: listen === null ? null : endpointFrom(listen),
    entries: new EntryStore(),
    mtuBytes: null,
    ifindex: 9,
    devicePort: 4789,
    down: false,
    elsewhere: false,
    ways: new Set<number>(),
    paths: new Map(),
    widestBytes: null,
    direct: 'auto' as const,
    farVteps: [],
    exclusive: true,
    objections: { out: [], in: [] },
    source: unit,
  }
  const made: Mux = { ...base, ...settings, type: 'vpcmux', id: generateId('vpcmux'), unit, underlay: ethlink }
  ethlink.mux = made
  model.byType.vpcmux.set(unit, made)
  return { mux: made, ethlink }
}

test('units follow what fits through every mux, unless they are told', () => {
  const model = new Model()
  const device = { port: null, mtuBytes: null, ifindex: 3, queues: 1, frozen: false, ownerUser: null, ownerGroup: 0 }
  const vmnic: Vmnic = { ...base, ...device, type: 'vmnic', id: generateId('vmnic'), unit: 0 }
  assert.equal(interfaceMtuBytes(model, vmnic), 1500)
  const four = mux(model, 1600, '192.0.2.1:4789')
  assert.deepEqual([muxMtuBytes(four.mux), interfaceMtuBytes(model, vmnic)], [1550, 1550])
  const six = mux(model, 1600, '[2001:db8::1]:4790', 1)
  assert.deepEqual([muxMtuBytes(six.mux), overlayMtuBytes(model)], [1530, 1530])
  four.mux.mtuBytes = 1400
  assert.equal(interfaceMtuBytes(model, vmnic), 1400)
  vmnic.mtuBytes = 1280
  assert.equal(interfaceMtuBytes(model, vmnic), 1280)
})

test('a mux is in service when it has all that it takes', () => {
  const model = new Model()
  const { mux: one, ethlink } = mux(model, 1600, null)
  assert.deepEqual([inService(one), muxMtuBytes(one)], [false, 1550])
  one.listen = endpointFrom('192.0.2.1:4789')
  assert.equal(inService(one), true)
  ethlink.ifindex = 0
  assert.deepEqual([inService(one), muxMtuBytes(one), overlayMtuBytes(model)], [false, 1550, 1550], 'as when it was last seen')
  ethlink.deviceMtuBytes = 0
  assert.deepEqual([muxMtuBytes(one), overlayMtuBytes(model)], [undefined, 1500])
})

test('an ethlink has the MTU of its interface, or less', () => {
  const model = new Model()
  const { ethlink } = mux(model, 1600, null)
  assert.equal(interfaceMtuBytes(model, ethlink), 1600)
  ethlink.mtuBytes = 1300
  assert.equal(interfaceMtuBytes(model, ethlink), 1300)
})
