/** A partial document changes what it names, removes what it says, and leaves the rest as it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { generateId } from '#abi/id.ts'
import { openFlag } from '#abi/command.ts'
import { json, text } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'

const owner = 'agent'
const ids = { sw: generateId('vpcsw'), mux: generateId('vpcmux') }
const plug = { port: generateId('vpcp'), hostif: generateId('hostif') }
const other = { port: generateId('vpcp'), hostif: generateId('hostif') }
const entry = (n: number, vtep: string, vni = 6001) => ({ vni, mac: `02:00:00:00:00:0${n}`, vtep })
const everybody = (vtep: string) => ({ vni: 6001, mac: '00:00:00:00:00:00', vtep })
const neighbour = (n: number, mac = `02:00:00:00:00:0${n}`) => ({ vni: 6001, address: `10.0.0.${n}`, mac })
const whole = {
  version: 1,
  owner,
  hostifs: [{ id: plug.hostif }],
  muxes: [{ id: ids.mux, entries: [entry(1, '192.0.2.2'), entry(2, '192.0.2.2'), everybody('192.0.2.2')] }],
  switches: [{ id: ids.sw, vni: 6001, ports: [{ id: plug.port, interface: plug.hostif }], neighbours: [neighbour(1), neighbour(2)] }],
}
const partial = { version: 1, owner, partial: true }

function withMgmt<T>(host: ScratchHost, use: (mgmt: ReturnType<ScratchHost['open']>) => T): T {
  const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  using _ = mgmt.handle
  return use(mgmt)
}
const apply = (host: ScratchHost, document: unknown): HostChange[] =>
  withMgmt(host, (mgmt) => json(mgmt.do('mgmtApply', text(JSON.stringify(document)))) as HostChange[])
const has = (host: ScratchHost): Record<string, any[]> =>
  withMgmt(host, (mgmt) => json(mgmt.do('mgmtExportOwned', text(owner))) as HostDocument) as Record<string, any[]>
const refusal = (host: ScratchHost, more: object): string => refused(() => apply(host, { ...partial, ...more })).message

test('sets and removes the entries and neighbours that it names, and no others', async () => {
  await using host = new ScratchHost()
  apply(host, whole)
  const change = {
    ...partial,
    muxes: [
      {
        id: ids.mux,
        entries: [entry(2, '192.0.2.3'), entry(3, '192.0.2.3:4790'), everybody('192.0.2.3')],
        'remove-entries': [entry(1, '192.0.2.2'), everybody('192.0.2.2'), entry(9, '192.0.2.2')],
      },
    ],
    switches: [
      { id: ids.sw, vni: 6001, neighbours: [neighbour(2, '02:00:00:00:00:09')], 'remove-neighbours': [neighbour(1), neighbour(8)] },
    ],
  }
  assert.equal(apply(host, change).length, 2)
  const { muxes, switches } = has(host)
  assert.deepEqual(muxes![0].entries, [everybody('192.0.2.3'), entry(2, '192.0.2.3'), entry(3, '192.0.2.3:4790')])
  assert.deepEqual(switches![0].neighbours, [neighbour(2, '02:00:00:00:00:09')])
  assert.deepEqual([switches![0].ports.length, switches![0].vni], [1, 6001])
  assert.deepEqual(apply(host, change), [])
})

test('adds a port, then removes another with its unit, and leaves alone what it does not name', async () => {
  await using host = new ScratchHost()
  apply(host, whole)
  const sw = { id: ids.sw, vni: 6001, ports: [{ id: other.port, interface: other.hostif }] }
  apply(host, { ...partial, hostifs: [{ id: other.hostif }], switches: [sw] })
  assert.equal(has(host)['switches']![0].ports.length, 2)
  assert.equal(has(host)['muxes']![0].entries.length, 3)
  const gone = { ...partial, remove: [plug.port, plug.hostif, generateId('vpcp')] }
  assert.deepEqual(
    apply(host, gone).map(({ action }) => action),
    ['remove', 'remove'],
  )
  assert.deepEqual(
    has(host)['switches']![0].ports.map(({ id }: { id: string }) => id),
    [other.port],
  )
  assert.equal(has(host)['switches']![0].neighbours.length, 2)
  assert.deepEqual(apply(host, gone), [])
})

test('is refused what is another’s, what stands in it, and what no partial document can say', async () => {
  await using host = new ScratchHost()
  apply(host, whole)
  const foreign = generateId('vpcsw')
  apply(host, { version: 1, owner: 'other', switches: [{ id: foreign }] })
  assert.match(refusal(host, { remove: [foreign] }), /at remove\[0\]: vpcsw1 is other's; leave it out/)
  assert.match(refusal(host, { remove: [ids.sw], switches: [{ id: ids.sw }] }), /at remove\[0\]: .* stands at switches\[0\], too/)
  assert.match(refusal(host, { remove: ['x'] }), /at remove\[0\]/)
  assert.match(refusal(host, { owner: null }), /at partial: a partial document needs 'owner'/)
  assert.match(refusal(host, { partial: false, remove: [ids.sw] }), /at remove: this needs 'partial: true'/)
  const removal = { muxes: [{ id: ids.mux, 'remove-entries': [entry(1, '192.0.2.2')] }] }
  assert.match(refusal(host, { partial: false, ...removal }), /at muxes\[0\]\.remove-entries: this needs 'partial: true'/)
  assert.match(refusal(host, { remove: [ids.sw] }), /cannot remove vpcsw0: its port vpcp0 is agent's/)
  assert.equal(has(host)['switches']!.length, 1)
})

test('a subnet that tells guests something else keeps its place, and the routes by its stations', async () => {
  await using host = new ScratchHost()
  const [subnet, router] = [generateId('subnet'), generateId('vpcrtr')]
  const place = { id: subnet, switch: ids.sw, router, vni: 6001, prefix4: '10.1.0.0/24', gateway4: '10.1.0.1' }
  const routes = ['10.9.0.0/16 via 10.1.0.5']
  apply(host, { ...whole, routers: [{ id: router, routes }], subnets: [place] })
  apply(host, { ...partial, subnets: [{ ...place, dns: '192.0.2.53', domain: 'red.example', metadata: true, mtu: 1400 }] })
  const { subnets, routers } = has(host)
  assert.deepEqual([subnets![0].domain, subnets![0].router, routers![0].routes], ['red.example', 'vpcrtr0', routes])
})
