/**
 * The law of apply: after a success nothing is left to do, whatever there was before, committed or not. After a refusal
 * nothing has changed.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { openFlag } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { keyOf, settingsOf } from '#abi/settings.ts'
import { VpcError } from '#object/host.ts'
import { json, text, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

const { create, read, write } = openFlag

function ask(host: ScratchHost, operation: 'mgmtApply' | 'mgmtPlan' | 'mgmtExport', document?: unknown): unknown {
  const mgmt = host.open('mgmt', generateId('mgmt'), create | read | write)
  using _ = mgmt.handle
  return json(mgmt.do(operation, document === undefined ? new Uint8Array() : text(JSON.stringify(document))))
}

const ids = <const N extends number>(type: UnitType, count: N): Id[] => Array.from({ length: count }, () => generateId(type))

/** The objects that documents and holders choose from: few, so that both choose the same ones. */
const pool = {
  ethlinks: ids('ethlink', 2),
  muxes: ids('vpcmux', 2),
  units: [...ids('hostif', 1), ...ids('vmnic', 2)],
  switches: ids('vpcsw', 2),
  ports: ids('vpcp', 4),
} as const

const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { freq: 2 })
const small = fc.constantFrom(0, 5, 6, 7)

/** Every flag that a type declares, also those that are added later. */
const flags = (type: UnitType): Record<string, fc.Arbitrary<boolean | null>> =>
  Object.fromEntries(
    settingsOf(type).flatMap(([name, setting]) =>
      typeof setting.initial === 'boolean' ? [[keyOf(name, setting), maybe(fc.boolean())]] : [],
    ),
  )

const portSettings = fc.record({
  ...flags('vpcp'),
  vni: maybe(small),
  vlan: maybe(fc.constantFrom(0, 10)),
  addresses: maybe(fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1'), { maxLength: 2 })),
})

/**
 * Each object with a chance to be there; ports in a switch or in none; each interface and ethlink used once at most.
 */
const document: fc.Arbitrary<HostDocument> = fc
  .record({
    there: fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
    vtags: fc.array(fc.constantFrom(0, 7), { minLength: 2, maxLength: 2 }),
    names: fc.constantFrom([null, null], ['eth0', null], ['eth0', 'eth1'], ['eth1', 'eth0']),
    underlays: fc.constantFrom([null, null], [0, null], [null, 0], [1, 0]),
    unitSettings: fc.array(fc.record({ mtu: maybe(fc.constantFrom(1300, 1400)), queues: maybe(fc.constantFrom(1, 3)) }), {
      minLength: 3,
      maxLength: 3,
    }),
    frozen: fc.boolean(),
    switchSettings: fc.array(fc.record({ ...flags('vpcsw'), vni: maybe(fc.constantFrom(0, 5)) }), {
      minLength: 2,
      maxLength: 2,
    }),
    portSettings: fc.array(portSettings, { minLength: 4, maxLength: 4 }),
    homes: fc.array(fc.constantFrom(0, 1, null), { minLength: 4, maxLength: 4 }),
    plugs: fc.shuffledSubarray([0, 1, 2, null, null], { minLength: 4, maxLength: 4 }),
    uplink: fc.constantFrom(null, 0, 1, 2, 3),
  })
  .map((chosen) => {
    const [ethlinkThere, muxThere, unitThere, switchThere, portThere] = [0, 2, 4, 7, 9].map((at) => (i: number) => chosen.there[at + i])
    const ethlink = (i: number | null): Id | null => (i !== null && ethlinkThere!(i) ? pool.ethlinks[i]! : null)
    const ports = pool.ports.flatMap((id, i) => {
      if (!portThere!(i)) return []
      const home = chosen.homes[i] ?? null
      const plug = chosen.plugs[i] ?? null
      const sw = home !== null && switchThere!(home) ? home : null
      const isUplink = chosen.uplink === i && sw !== null
      const plugged = isUplink ? ethlink(1) : plug !== null && unitThere!(plug) ? pool.units[plug] : null
      return [{ home: sw, spec: { id, ...chosen.portSettings[i], interface: plugged, ...(isUplink && { uplink: true }) } }]
    })
    const units = pool.units
      .map((id, i) => ({ id, mtu: chosen.unitSettings[i]!.mtu, queues: chosen.unitSettings[i]!.queues }))
      .filter((_, i) => unitThere!(i))
    return {
      version: 1,
      ethlinks: pool.ethlinks
        .map((id, i) => ({ id, vtag: chosen.vtags[i], 'l2-name': chosen.names[i] }))
        .filter((_, i) => ethlinkThere!(i)),
      muxes: pool.muxes.map((id, i) => ({ id, underlay: ethlink(chosen.underlays[i] ?? null) })).filter((_, i) => muxThere!(i)),
      hostifs: units.filter(({ id }) => id === pool.units[0]).map(({ id, mtu }) => ({ id, mtu })),
      vmnics: units.filter(({ id }) => id !== pool.units[0]).map((unit) => ({ ...unit, frozen: chosen.frozen })),
      switches: pool.switches
        .map((id, i) => ({ id, ...chosen.switchSettings[i], ports: ports.filter(({ home }) => home === i).map(({ spec }) => spec) }))
        .filter((_, i) => switchThere!(i)),
      ports: ports.filter(({ home }) => home === null).map(({ spec }) => spec),
    }
  })

/** What holders do without committing it: make an object of the pool or of their own, and connect what there is. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    id: fc.constantFrom(...pool.ethlinks, ...pool.muxes, ...pool.units, ...pool.switches, ...pool.ports),
  }),
  fc.record({ kind: fc.constant('add' as const), sw: fc.constantFrom(...pool.switches), port: fc.constantFrom(...pool.ports) }),
  fc.record({ kind: fc.constant('strange switch' as const), port: fc.constantFrom(...pool.ports) }),
  fc.record({ kind: fc.constant('strange port' as const), peer: fc.constantFrom(...pool.units) }),
  fc.record({ kind: fc.constant('strange mux' as const), ethlink: fc.constantFrom(...pool.ethlinks) }),
  fc.record({ kind: fc.constant('plug' as const), port: fc.constantFrom(...pool.ports), peer: fc.constantFrom(...pool.units) }),
  fc.record({ kind: fc.constant('vni' as const), port: fc.constantFrom(...pool.ports), vni: small }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const typeNames = ['', 'vpcsw', 'vpcp', '', '', 'vpcmux', 'vmnic', '', 'ethlink', '', '', 'hostif'] as const
const typeOf = (id: Id): UnitType => typeNames[idBytes(id)[9]!] as UnitType

/** Keeps the objects that it makes and opens. Skips steps that fail. */
function perform(host: ScratchHost, one: Step, held: Opened[]): void {
  const open = (id: Id): Opened => hold(host.open(typeOf(id), id))
  const make = (type: UnitType, id?: Id): Opened => hold(host.create(type, id))
  const hold = (opened: Opened): Opened => {
    held.push(opened)
    return opened
  }
  try {
    if (one.kind === 'create') make(typeOf(one.id), one.id)
    if (one.kind === 'add') open(one.sw).do('vpcswPortAdd', idBytes(one.port))
    if (one.kind === 'strange switch') make('vpcsw').do('vpcswPortAdd', idBytes(one.port))
    if (one.kind === 'strange port') make('vpcp').do('vpcpConnect', idBytes(one.peer))
    if (one.kind === 'strange mux') make('vpcmux').do('vpcmuxConnect', idBytes(one.ethlink))
    if (one.kind === 'plug') open(one.port).do('vpcpConnect', idBytes(one.peer))
    if (one.kind === 'vni') open(one.port).do('vpcpVniSet', vni(one.vni))
  } catch (error) {
    if (!(error instanceof VpcError)) throw error
  }
}

/** Undefined when it was refused. */
function apply(host: ScratchHost, asked: HostDocument): HostChange[] | undefined {
  try {
    return ask(host, 'mgmtApply', asked) as HostChange[]
  } catch (error) {
    if (error instanceof VpcError) return undefined
    throw error
  }
}

/** A document may have or omit values with their default. */
const exported = (host: ScratchHost): HostDocument => ask(host, 'mgmtExport') as HostDocument

suite('after apply(B), plan(B) is empty', () => {
  test('of random hosts and documents, with objects that nobody has committed', async () => {
    await using host = new ScratchHost()
    host.addInterface('eth0')
    host.addInterface('eth1')
    let done = 0
    const runs = 24
    fc.assert(
      fc.property(document, fc.array(step, { maxLength: 6 }), document, (a, steps, b) => {
        const held: Opened[] = []
        try {
          apply(host, a)
          for (const one of steps) perform(host, one, held)
          const before = host.snapshot()
          if (apply(host, b) === undefined) return assert.deepEqual(host.snapshot(), before)
          done++
          assert.deepEqual(ask(host, 'mgmtPlan', b), [])
          assert.deepEqual(ask(host, 'mgmtPlan', exported(host)), [])
          assert.deepEqual(apply(host, b), [])
          return undefined
        } finally {
          for (const { handle } of held) handle.close()
          apply(host, { version: 1 })
        }
      }),
      { numRuns: runs },
    )
    assert.ok(done > runs / 3, `only ${done} of ${runs} documents could be applied`)
  })

  test('a port in a switch that nobody has committed goes where the document has it', async () => {
    await using host = new ScratchHost()
    const sw = generateId('vpcsw')
    const holder = host.create('vpcsw')
    const port = generateId('vpcp')
    holder.do('vpcswPortAdd', idBytes(port))
    const asked = { version: 1, switches: [{ id: sw, ports: [{ id: port }] }] }
    assert.equal(apply(host, asked)?.length, 2)
    assert.equal(host.open('vpcp', port).describe<{ switch: Id | null } & never>()['switch' as never], sw)
    assert.deepEqual(ask(host, 'mgmtPlan', asked), [])
    assert.equal((exported(host)['switches'] as { ports: unknown[] }[])[0]!.ports.length, 1)
  })

  test('what somebody has plugged in where nobody has committed it goes where the document has it', async () => {
    await using host = new ScratchHost()
    const [port, mux] = [generateId('vpcp'), generateId('vpcmux')]
    const [hostif, ethlink] = [host.create('hostif'), host.create('ethlink')]
    for (const each of [hostif, ethlink]) each.do('metaCommit')
    const [itsPort, itsMux] = [host.create('vpcp'), host.create('vpcmux')]
    itsPort.do('vpcpConnect', idBytes(hostif.id))
    itsMux.do('vpcmuxConnect', idBytes(ethlink.id))
    const asked = {
      version: 1,
      ethlinks: [{ id: ethlink.id }],
      hostifs: [{ id: hostif.id }],
      muxes: [{ id: mux, underlay: ethlink.id }],
      ports: [{ id: port, interface: hostif.id }],
    }
    assert.equal((ask(host, 'mgmtApply', asked) as HostChange[]).length, 2)
    assert.deepEqual(ask(host, 'mgmtPlan', asked), [])
    assert.equal(itsPort.describe<{ peer: Id | null } & never>()['peer' as never], null)
  })
})
