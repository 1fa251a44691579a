/**
 * Copies for sniffers: one of each frame that a switch accepts, none of those that it drops, a limited number a second,
 * and none without a sniffer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noDst, portFlag, segmentFlag } from '#datapath/layout.ts'
import { echoFrame } from '#wire/frames.ts'
import { RawSocket } from '../lab/raw-socket.ts'
import { expect, forwarded, red, Scene, stations, type Name } from './scene.ts'

const fromA = (to: Name, srcMac = stations.a.mac): Uint8Array =>
  echoFrame({ srcMac, dstMac: stations[to].mac, src: stations.a.v4, dst: stations[to].v4 }, Buffer.from('look'))

/** A sniffer watches the switch on the device `free`, which takes no part in the traffic. */
function look(scene: Scene, on: boolean): void {
  const switchMirror = on ? scene.devices.free : 0
  scene.tables.segments.set(red, { flags: segmentFlag.up, switchUnit: 0, uplink: noDst, switchMirror, uplinkMirror: 0 })
  scene.port('a', { flags: portFlag.up | portFlag.antispoof | portFlag.addresses | (on ? portFlag.watched : 0) })
}

/** What comes in on `free`. */
const mirror = (scene: Scene): RawSocket => RawSocket.open(scene.netns.name, 'free')

/** The copies that have come, which are echo requests of `a`. */
const copies = (socket: RawSocket): number => socket.receive().filter((frame) => Buffer.from(frame).includes('look')).length

test('a switch at which somebody looks shows what it forwards, and forwards it as ever', () => {
  using scene = new Scene()
  using socket = mirror(scene)
  expect(scene.from('a', fromA('b')), forwarded('a', 'b'))
  assert.equal(copies(socket), 0)
  look(scene, true)
  expect(scene.from('a', fromA('b')), forwarded('a', 'b'))
  expect(scene.from('a', fromA('far')), forwarded('a', 'mux'))
  assert.equal(copies(socket), 2)
  assert.equal(scene.from('a', fromA('b', stations.stranger.mac)).reason, 'source_mac')
  assert.equal(copies(socket), 0)
  look(scene, false)
  expect(scene.from('a', fromA('b')), forwarded('a', 'b'))
  assert.equal(copies(socket), 0)
})

test('a frame out of the tunnel is shown before it is delivered', () => {
  using scene = new Scene()
  using socket = mirror(scene)
  look(scene, true)
  const frame = echoFrame(
    { srcMac: stations.far.mac, dstMac: stations.b.mac, src: stations.far.v4, dst: stations.b.v4 },
    Buffer.from('look'),
  )
  expect(scene.fromTunnel(frame), forwarded('mux', 'b'))
  assert.equal(copies(socket), 1)
})

test('copies are bounded, what is forwarded is not', () => {
  using scene = new Scene({ rates: { watchPerSecond: 10 } })
  using socket = mirror(scene)
  look(scene, true)
  const start = performance.now()
  for (let i = 0; i < 200; i++) expect(scene.from('a', fromA('b')), forwarded('a', 'b'))
  const seen = copies(socket)
  const most = 11 + (10 * (performance.now() - start)) / 1000
  assert.ok(seen >= 5 && seen <= most, `${seen} copies, at most ${most}`)
})
