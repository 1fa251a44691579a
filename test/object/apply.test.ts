/** A host as a document: applying an export changes nothing; an apply does everything, or nothing. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { generateId } from '#abi/id.ts'
import type { SwitchInfo } from '#abi/info.ts'
import { openFlag } from '#abi/command.ts'
import { json, text } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
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

/** Without the parts that differ after objects were made anew. */
const comparable = (host: ScratchHost): unknown => JSON.parse(JSON.stringify(exported(host)))

suite('a host as a document', () => {
  test('lets a further MAC go from one port to another, and a unit take one that was behind a port', async () => {
    await using host = new ScratchHost()
    const vmnics = [generateId('vmnic'), generateId('vmnic')] as const
    const ports = [generateId('vpcp'), generateId('vpcp')] as const
    const id = generateId('vpcsw')
    const document = (macs: readonly (readonly string[])[], mac?: string): unknown => ({
      version: 1,
      vmnics: [
        { id: vmnics[0], unit: 'vmnic0', ...(mac && { mac }) },
        { id: vmnics[1], unit: 'vmnic1' },
      ],
      switches: [{ id, vni: 5001, ports: ports.map((port, i) => ({ id: port, vni: 5001, interface: `vmnic${i}`, macs: macs[i] })) }],
    })
    const [one, two] = ['02:00:00:00:09:01', '02:00:00:00:09:02'] as const
    const steps: readonly unknown[] = [
      document([[one, two], []]),
      document([[two], [one]]),
      document([[one], [two]]),
      document([[], [two]], one),
    ]
    for (const step of steps) {
      apply(host, step)
      assert.deepEqual(apply(host, step, 'mgmtPlan'), [])
    }
    assert.deepEqual(refused(() => apply(host, document([[two], [two]]))).code, 'EEXIST')
    assert.deepEqual(apply(host, steps.at(-1), 'mgmtPlan'), [])
  })

  test('puts a subnet into a router in place of a route with its prefix, and back', async () => {
    await using host = new ScratchHost()
    const [sw, router, one, two] = [generateId('vpcsw'), generateId('vpcrtr'), generateId('subnet'), generateId('subnet')]
    const document = (joins: boolean): unknown => ({
      version: 1,
      switches: [{ id: sw, vni: 6001 }],
      routers: [{ id: router, routes: ['10.9.0.0/16 blackhole', ...(joins ? [] : ['10.2.0.0/24 blackhole table 7'])] }],
      subnets: [
        { id: one, switch: sw, router, vni: 6001, prefix4: '10.1.0.0/24', gateway4: '10.1.0.1' },
        { id: two, switch: sw, ...(joins && { router }), vni: 6002, prefix4: '10.2.0.0/24', gateway4: '10.2.0.1' },
      ],
    })
    for (const joins of [false, true, false]) {
      apply(host, document(joins))
      assert.deepEqual(apply(host, document(joins), 'mgmtPlan'), [])
    }
  })

  test('applied as it was exported changes nothing; an empty one takes all away; then it makes all again', async () => {
    await using host = new ScratchHost()
    for (const { handle } of Object.values(world(host))) handle.close()
    const before = host.snapshot()
    const document = comparable(host) as HostDocument
    assert.deepEqual(apply(host, document), [])
    assert.deepEqual(host.snapshot(), before)
    const removed = apply(host, { version: 1 })
    assert.equal(removed.length, 14)
    assert.ok(removed.every(({ action }) => action === 'remove'))
    assert.deepEqual(exported(host), { version: 1 })
    assert.deepEqual(
      host.netlink.links().filter(({ alias }) => alias?.startsWith('vpc:')),
      [],
    )
    assert.deepEqual(host.datapath.attachments(), [])
    const made = apply(host, document)
    assert.equal(made.length, 14)
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

suite('a document of an owner', () => {
  const owner = 'agent'
  const mine = { sw: generateId('vpcsw'), port: generateId('vpcp'), hostif: generateId('hostif') }
  const document = {
    version: 1,
    owner,
    hostifs: [{ id: mine.hostif }],
    switches: [{ id: mine.sw, vni: 6001, ports: [{ id: mine.port, interface: mine.hostif }] }],
  }
  const owned = (host: ScratchHost, name = owner): HostDocument => {
    const mgmt = host.mgmt()
    using _ = mgmt.handle
    return json(mgmt.do('mgmtExportOwned', text(name))) as HostDocument
  }
  const refusal = (host: ScratchHost, wanted: unknown): string => refused(() => apply(host, wanted)).message

  test('makes and removes what is its own, and leaves the rest alone, also after a start', async () => {
    await using host = new ScratchHost()
    for (const { handle } of Object.values(world(host))) handle.close()
    const before = comparable(host)
    assert.deepEqual(apply(host, { version: 1, owner }), [])
    assert.equal(apply(host, document).length, 3)
    assert.deepEqual(apply(host, document, 'mgmtPlan'), [])
    assert.deepEqual(apply(host, owned(host)), [])
    // Applied by itself, what the whole host has is not a change either: owners are part of it.
    assert.deepEqual(apply(host, exported(host)), [])
    await host.kill()
    host.start()
    assert.deepEqual(apply(host, document, 'mgmtPlan'), [])
    assert.equal(host.open('vpcsw', mine.sw).describe<SwitchInfo>().owner, owner)
    const gone = apply(host, { version: 1, owner })
    assert.deepEqual(
      gone.map(({ action, id }) => [action, id]).sort(),
      Object.values(mine)
        .map((id) => ['remove', id])
        .sort(),
    )
    assert.deepEqual(comparable(host), before)
    assert.deepEqual(owned(host), { version: 1, owner })
  })

  test('takes over what nobody owns, and is refused what another owner has', async () => {
    await using host = new ScratchHost()
    const { hostif, wire } = world(host)
    apply(host, document)
    assert.match(refusal(host, { ...document, owner: 'other' }), /at hostifs\[0\]: hostif1 is agent's; leave it out/)
    assert.deepEqual(
      apply(host, { version: 1, owner: 'other', hostifs: [{ id: hostif.id }] }).map(({ settings }) => settings),
      [[{ key: 'owner', is: '-', asked: 'other' }]],
    )
    const [sw] = document.switches
    const stolen = { ...document, switches: [{ ...sw!, ports: [{ id: mine.port, interface: wire.id }] }] }
    assert.match(
      refusal(host, stolen),
      /at switches\[0\].ports\[0\].interface: cannot connect ethlink0 to port vpcp3: it is connected to port vpcp2/,
    )
    assert.deepEqual(apply(host, document, 'mgmtPlan'), [])
  })

  test('refuses to take a port of another owner along, and objects of others in it', async () => {
    await using host = new ScratchHost()
    apply(host, document)
    const port = host.open('vpcp', mine.port)
    port.do('metaOwnerSet', text('other'))
    assert.equal(text(Buffer.from(port.do('metaOwnerGet')).toString()).toString(), text('other').toString())
    assert.match(refusal(host, { version: 1, owner }), /cannot remove vpcsw0: its port vpcp0 is other's/)
    assert.match(
      refusal(host, { ...document, hostifs: [{ id: mine.hostif, owner: 'other' }] }),
      /it is other's, and the document is agent's/,
    )
    assert.match(refused(() => port.do('metaOwnerSet', text('1x'))).message, /'1x' is not an owner's name/)
  })

  test('names objects: names are unique by type, change places, stay over a restart, and are found', async () => {
    await using host = new ScratchHost()
    const [one, two] = [generateId('vpcsw'), generateId('vpcsw')]
    const hostif = generateId('hostif')
    const port = generateId('vpcp')
    const named = (first: string, second: string): unknown => ({
      version: 1,
      hostifs: [{ id: hostif, name: first }],
      switches: [
        { id: one, name: first, vni: 5001, ports: [{ id: port, vni: 5001, interface: first }] },
        { id: two, name: second },
      ],
    })
    apply(host, named('red', 'blue'))
    apply(host, named('blue', 'red'))
    assert.deepEqual(apply(host, named('blue', 'red'), 'mgmtPlan'), [])
    await host.restart()
    assert.deepEqual(apply(host, named('blue', 'red'), 'mgmtPlan'), [])
    const find = (given: string, types: readonly string[] = []): unknown => {
      const mgmt = host.mgmt()
      using _ = mgmt.handle
      return (json(mgmt.do('mgmtFind', text(JSON.stringify({ types, given })))) as { id: string }[]).map(({ id }) => id).toSorted()
    }
    assert.deepEqual(find('red'), [two])
    assert.deepEqual(find('blue'), [one, hostif].toSorted())
    assert.deepEqual(find('blue', ['hostif']), [hostif])
    assert.deepEqual(find('VPCSW1'), [two])
    assert.deepEqual(find(one.slice(0, 9)), [one])
    assert.deepEqual(find(one.slice(0, 3)), [], 'three digits are not a prefix')
    assert.match(refused(() => find('x', ['nonsense'])).message, /'nonsense' is not a type of object/)
    const sw = host.open('vpcsw', one)
    assert.equal(refused(() => sw.do('metaNameSet', text('red'))).code, 'EEXIST')
    for (const [name, why] of [
      ['vpcsw0', /looks like a unit name/],
      ['hostif12', /looks like a unit name/],
      ['beef', /looks like the beginning of an id/],
      [one, /looks like the beginning of an id/],
      ['none', /says that there is no name/],
      ['a b', /is not a name/],
      ['-x', /is not a name/],
    ] as const)
      assert.match(refused(() => sw.do('metaNameSet', text(name))).message, why)
    assert.match(refused(() => apply(host, named('red', 'red'))).message, /switches\[1\].name: .*'red' stands at switches\[0\] already/)
    sw.do('metaNameSet', text(''))
    assert.deepEqual(find('blue'), [hostif])
    sw.do('metaDestroy')
    assert.deepEqual(find('vpcsw0'), [])
  })

  test('of an owner leaves names alone that it does not have', async () => {
    await using host = new ScratchHost()
    const id = generateId('vpcsw')
    const document = { version: 1, owner: 'agent', switches: [{ id }] }
    apply(host, document)
    host.open('vpcsw', id).do('metaNameSet', text('red'))
    assert.deepEqual(apply(host, document, 'mgmtPlan'), [])
  })
})
