import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtObjects } from '../../test/bpf/built-objects.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { objectNames } from './hook.ts'
import { limitsFor, optionOf, tableSizes } from './table-sizes.ts'

test('the sizes are those with which the programs declare the tables', () => {
  const directory = builtObjects()
  const declared: Record<string, number> = {}
  for (const name of objectNames) {
    using object = BpfObject.open(join(directory, `${name}.o`))
    for (const map of object.maps()) declared[map] = object.definition(map).maxEntries
  }
  for (const [name, { entries, most }] of Object.entries(tableSizes)) {
    assert.equal(declared[name], entries, name)
    assert.ok(most > entries, name)
  }
  const { ports } = tableSizes
  for (const [name, entries] of Object.entries(limitsFor({ ports: ports.entries }))) assert.equal(declared[name], entries, name)
})

test('what is kept for each port goes with the ports', () => {
  assert.deepEqual(limitsFor({ fdb: 7 }), { fdb: 7, used_fdb: 7 })
  assert.deepEqual(limitsFor({ neighbours: 8 }), { neighbours: 8, used_neighbours: 8 })
  assert.deepEqual(limitsFor({ ports: 9 }), {
    ports: 9,
    stats: 9,
    drop_rate: 9,
    miss_rate: 9,
    nats: 9,
    dhcp_rate: 9,
    too_big_rate: 9,
    broadcast_buckets: 9,
    port_limits: 9,
    limit_buckets: 9,
    port_policies: 9,
    pickups: 9,
    dhcp_replies: 9,
    dhcpv6_replies: 9,
    service_ports: 9,
    service_guests: 9,
  })
  assert.deepEqual([optionOf('fdb'), optionOf('stats')], ['--table fdb=NUMBER', '--table ports=NUMBER'])
})
