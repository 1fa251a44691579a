/**
 * vpcd is killed at every step of every operation of several steps: after a start the host is as before or as after,
 * and nothing is half done. A run takes a quarter of the operations, on the next day another one.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, beforeEach, suite, test } from 'node:test'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import { noOwner, vmnicOwner } from '#abi/layouts.ts'
import type { TypeName } from '#abi/object-type.ts'
import { addresses, broadcast, entry, floats, neighbour, sockaddr, u16, u32, u64, vni } from '../object/inputs.ts'
import { ScratchHost, type Opened } from '../object/scratch-host.ts'
import { world, type World } from '../object/world.ts'
import { apply, audit, dieAt, exportOf, killAtEachStep, look, repair, startAndDieAt, stepsOf, stepsOfStart, type Deed } from './mortal.ts'

let host: ScratchHost
const ids = {} as Record<keyof World, Id>
const expedited = '/sys/kernel/rcu_expedited'

// Hundreds of devices are made and removed here, and the kernel waits for a grace period each time.
// What it was before is not asked: a vpcd that is at work may have set it for a moment.
beforeEach(() => writeFileSync(expedited, '1'))
process.once('exit', () => writeFileSync(expedited, '0'))
before(() => {
  // The test writes the journal hundreds of times, too: in memory, not on a disk.
  process.env['TMPDIR'] = '/dev/shm'
  host = new ScratchHost()
  for (const [name, { handle }] of Object.entries(world(host))) {
    ids[name as keyof World] = handle.id
    handle.close()
  }
})
after(async () => {
  await host[Symbol.asyncDispose]()
})

/** Open one of the world, and let go again. */
function use(name: keyof World, run: (opened: Opened) => unknown): void {
  const type = {
    port: 'vpcp',
    other: 'vpcp',
    uplink: 'vpcp',
    sw: 'vpcsw',
    wire: 'ethlink',
    underlay: 'ethlink',
    mux: 'vpcmux',
    hostif: 'hostif',
    vmnic: 'vmnic',
    subnet: 'subnet',
    router: 'vpcrtr',
    set: 'set',
    group: 'group',
    nat: 'vpcnat',
  }[name]
  const opened = host.open(type as TypeName, ids[name])
  try {
    run(opened)
  } finally {
    opened.handle.close()
  }
}

type Operation = Parameters<Opened['do']>[0]
const on = (name: keyof World, what: string, operation: Operation, input?: () => Uint8Array): Deed => ({
  name: `${operation} of ${name}: ${what}`,
  run: () => use(name, (opened) => opened.do(operation, input?.())),
})

/** Uncommitted objects, their commit, and the last close. */
const births = (['vpcsw', 'vpcp', 'hostif', 'vmnic', 'ethlink', 'vpcmux'] as const).flatMap((type): Deed[] => {
  let held: Opened
  const id = generateId(type)
  const prepare = (): void => {
    held = host.create(type, id)
  }
  return [
    { name: `create ${type}`, run: () => void host.create(type, id) },
    { name: `commit ${type}`, prepare, run: () => void held.do('metaCommit') },
    { name: `last close of ${type}`, prepare, run: () => held.handle.close() },
  ]
})

const newPort = generateId('vpcp')
const many = Buffer.concat(Array.from({ length: 20 }, (_, i) => entry(5001, `02:00:00:00:01:${(i + 16).toString(16)}`, '192.0.2.3')))

const deeds: Deed[] = [
  ...births,
  ...(['sw', 'port', 'other', 'uplink', 'hostif', 'vmnic', 'wire', 'underlay', 'mux', 'nat'] as const).map((name) =>
    on(name, 'all that hangs on it', 'metaDestroy'),
  ),
  on('nat', 'another wire', 'vpcnatEthlinkSet', () => idBytes(ids.wire)),
  on('nat', 'other addresses', 'vpcnatFloatsSet', () => floats('203.0.113.21 to 10.0.0.1')),
  on('sw', 'a new port', 'vpcswPortAdd', () => idBytes(newPort)),
  on('sw', 'one with a unit in it', 'vpcswPortDelete', () => idBytes(ids.port)),
  on('sw', 'the uplink', 'vpcswPortDelete', () => idBytes(ids.uplink)),
  on('sw', 'another VNI', 'vpcswVniSet', () => vni(5005)),
  on('sw', 'down', 'vpcswUpSet', () => u64(0n)),
  on('sw', 'flooding', 'vpcswFloodUnknownSet', () => u16(1)),
  on('sw', 'neighbours', 'vpcswNeighbourSet', () => Buffer.concat([neighbour(5001, '10.0.0.10'), neighbour(5009, '10.0.0.11')])),
  on('sw', 'a neighbour', 'vpcswNeighbourDelete', () => neighbour(5001, '10.0.0.9')),
  on('sw', 'neighbours', 'vpcswReset'),
  on('port', 'out', 'vpcpDisconnect', () => idBytes(ids.hostif)),
  on('uplink', 'out', 'vpcpDisconnect', () => idBytes(ids.wire)),
  on('port', 'another VNI', 'vpcpVniSet', () => vni(5002)),
  on('port', 'a tag', 'vpcpVlanSet', () => u16(7)),
  on('port', 'others', 'vpcpAddressesSet', () => addresses('10.0.0.2', 'fd00::2', 'fd00::3')),
  on('port', 'off', 'vpcpAntispoofSet', () => u16(0)),
  on('port', 'further ones', 'vpcpMacsSet', () => Uint8Array.of(2, 0, 0, 0, 9, 6, 2, 0, 0, 0, 9, 7)),
  on('hostif', 'another', 'metaMacSet', () => Uint8Array.of(2, 0, 0, 0, 9, 9)),
  on('vmnic', 'another', 'metaMacSet', () => Uint8Array.of(2, 0, 0, 0, 9, 8)),
  on('hostif', 'smaller', 'metaMtuSet', () => u32(1400)),
  on('mux', 'smaller, and so all units', 'metaMtuSet', () => u32(1400)),
  on('vmnic', 'four', 'vmnicQueuesSet', () => u16(4)),
  on('vmnic', 'frozen', 'vmnicFreeze'),
  on('vmnic', 'somebody', 'vmnicOwnerSet', () => vmnicOwner.encode({ user: noOwner, group: 1000 })),
  on('wire', 'off its interface', 'ethlinkDisconnect'),
  on('underlay', 'off its interface', 'ethlinkDisconnect'),
  on('wire', 'another tag', 'ethlinkVtagSet', () => u16(9)),
  on('mux', 'no underlay', 'vpcmuxDisconnect'),
  on('mux', 'another port, and so another device', 'vpcmuxListen', () => sockaddr('192.0.2.1', 4790)),
  on('mux', 'many entries', 'vpcmuxFteSet', () => many),
  on('mux', 'an entry with a port of its own', 'vpcmuxFteSet', () => entry(5001, '02:00:00:00:00:77', '192.0.2.2', 4795)),
  on('mux', 'an entry', 'vpcmuxFteDelete', () => entry(5001, '02:00:00:00:00:01', '192.0.2.2')),
  on('mux', 'a VTEP of broadcasts', 'vpcmuxFteDelete', () => entry(5001, broadcast, '192.0.2.2')),
  { name: 'apply an empty document', run: () => void apply(host, { version: 1 }) },
  { name: 'apply a document with everything replaced', run: () => void apply(host, replaced(exportOf(host))) },
]

/** Ids that take the place of those of the world, with the same types and MACs. */
const others = new Map<string, string>()

/** The same host with other objects of the same units. */
function replaced(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const id of Object.values(ids)) if (!others.has(id)) others.set(id, `${generateId('mgmt').slice(0, 19)}${id.slice(19)}`)
  const text = JSON.stringify(document, (key, value) => (key === 'muxes' ? [] : value))
  return JSON.parse(text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => others.get(id) ?? id))
}

/** A quarter of the deeds each day; VPC_STEPS=all takes all. Of the last two, with many steps, one. */
const day = Math.floor(Date.now() / 86_400_000)
const isDue = (i: number): boolean => {
  const turns = i < deeds.length - 2 ? 4 : 2
  return process.env['VPC_STEPS'] === 'all' || i % turns === day % turns
}
const due = deeds.filter((_, i) => isDue(i))

suite(`killed at each step, ${due.length} of ${deeds.length} operations`, () => {
  let steps = 0
  for (const deed of due) {
    test(deed.name, async () => {
      steps += await killAtEachStep(host, deed)
    })
  }

  test('there were many steps', (t) => {
    t.diagnostic(`${steps} steps of ${due.length} operations`)
    assert.ok(steps > due.length * 4)
  })
})

test('a start that finds no device, as after a boot, is killed at each step', async () => {
  const whole = look(host)
  const boot = (): void => {
    const ours = host.netlink.links().filter(({ alias }) => alias?.startsWith('vpc:'))
    host.netlink.deleteLinks(ours.map(({ ifindex }) => ifindex))
  }
  boot()
  const steps = await stepsOfStart(host)
  assert.ok(steps.length > 20)
  for (let at = 0; at < steps.length; at++) {
    boot()
    await startAndDieAt(at, host)
    await host.restart()
    const where = `killed before step ${at} of ${steps.join(', ')}`
    assert.deepEqual(audit(host).items, [], where)
    assert.deepEqual(look(host), whole, where)
  }
})

test('a repair that is killed at each step is done by a start, or by another', async () => {
  const whole = look(host)
  const damage = (): void => {
    host.netlink.deleteLink(host.netlink.linkByName('vmnic0')!.ifindex)
    host.datapath.detach('hostif0')
    host.datapath.tables.fdb.deleteMany(host.datapath.tables.fdb.entries().map(([key]) => key))
  }
  damage()
  const steps = stepsOf(() => void repair(host))
  for (let at = 0; at < steps.length; at++) {
    damage()
    dieAt(at, () => void repair(host))
    await host.restart()
    assert.deepEqual(audit(host).items, [], `step ${at} of ${steps.join(', ')}`)
    assert.deepEqual(look(host), whole)
  }
})
