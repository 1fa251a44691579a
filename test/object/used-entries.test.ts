/** Which entries packets have used: each mux and each switch shows and clears its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeArray, fte, fteFlag, neighbourEntry } from '#abi/layouts.ts'
import { macFrom } from '#wire/mac.ts'
import { entry, neighbour, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const peers = ['10.0.0.1', 'fd00::1']

/** The last bytes of the MACs of used entries. */
const usedOf = (mux: Opened): number[] =>
  decodeArray(fte, mux.do('vpcmuxFteFlagsList'))!
    .filter(({ pad }) => (pad[0]! & fteFlag.used) !== 0)
    .map(({ mac }) => mac[5]!)

/** The last bytes of the addresses of used neighbours. */
const usedPeersOf = (sw: Opened): number[] =>
  decodeArray(neighbourEntry, sw.do('vpcswNeighbourFlagsList'))!
    .filter(({ pad }) => pad !== 0)
    .map(({ address }) => address[15]!)

test('a mux shows and clears the used entries of its own', async () => {
  await using host = new ScratchHost()
  const { usedFdb } = host.datapath.tables
  const muxes = [5001, 5002].map((segment) => {
    const mux = host.create('vpcmux')
    for (const mac of macs) mux.do('vpcmuxFteSet', entry(segment, mac, '192.0.2.2'))
    return mux
  }) as [Opened, Opened]
  assert.deepEqual(muxes.map(usedOf), [[], []])
  for (const [segment, mac] of [
    [5001, macs[0]!],
    [5002, macs[0]!],
    [5002, macs[1]!],
  ] as const)
    usedFdb.set({ segment, mac: macFrom(mac) }, 1)
  assert.deepEqual(muxes.map(usedOf), [[1], [1, 2]])
  muxes[1].do('vpcmuxFteUsedClear')
  assert.deepEqual(muxes.map(usedOf), [[1], []])
})

test('a switch shows and clears the used neighbours of its own', async () => {
  await using host = new ScratchHost()
  const { usedNeighbours } = host.datapath.tables
  const switches = [5001, 5002].map((segment) => {
    const sw = host.create('vpcsw')
    sw.do('vpcswVniSet', vni(segment))
    for (const address of peers) sw.do('vpcswNeighbourSet', neighbour(segment, address))
    return sw
  }) as [Opened, Opened]
  assert.deepEqual(switches.map(usedPeersOf), [[], []])
  const [v4, v6] = decodeArray(neighbourEntry, switches[0].do('vpcswNeighbourFlagsList'))!.map(({ address }) => address)
  for (const [segment, addr] of [
    [5001, v4!],
    [5002, v4!],
    [5002, v6!],
  ] as const)
    usedNeighbours.set({ segment, addr }, 1)
  assert.deepEqual(
    switches.map((sw) => usedPeersOf(sw).length),
    [1, 2],
  )
  switches[1].do('vpcswNeighbourUsedClear')
  assert.deepEqual(
    switches.map((sw) => usedPeersOf(sw).length),
    [1, 0],
  )
})
