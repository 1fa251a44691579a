/**
 * Every id inside an operation needs the right to open that object: a matrix over all operations, and over the changes
 * of a document.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { handleType, openFlag, operations, type OperationName } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { ObjectInfo, PortInfo } from '#abi/info.ts'
import type { TypeName } from '#abi/object-type.ts'
import { Access, type AccessRight, type AccessRule } from '#object/access.ts'
import { json, text, u16, vni } from './inputs.ts'
import { Opened, refused, ScratchHost } from './scratch-host.ts'
import { reopen, world, type World } from './world.ts'

const alice = { pid: 4711, uid: 1000, gid: 1000 }
const { create, open, read, write } = openFlag

/** Have alice's rights be these, and nobody else's. */
function give(host: ScratchHost, ...rules: readonly [ids: readonly Id[] | undefined, ...rights: AccessRight[]][]): void {
  const all = rules.map(([ids, ...rights]): AccessRule => ({
    to: { uid: alice.uid },
    types: undefined,
    ids: ids && new Set(ids),
    rights: new Set(rights),
  }))
  host.host.access = new Access({ rules: all })
}

const openAs = (host: ScratchHost, type: TypeName, id: Id, flags: number = open | read | write): Opened =>
  new Opened(host.host.open(alice, idBytes(id), handleType(type), BigInt(flags)))

/** What everybody can see of all objects except some. */
function seen(host: ScratchHost, ...but: Id[]): string {
  const mgmt = host.mgmt()
  using _ = mgmt.handle
  const objects = json(mgmt.do('mgmtDescribeAll', u16(10))) as ObjectInfo[]
  return JSON.stringify(objects.filter(({ id }) => !but.includes(id)).map(({ descriptors: _, ...rest }) => rest))
}

const rest = Buffer.concat([Buffer.from('02000000000202000000000188b5', 'hex'), Buffer.alloc(50)])

/** Of objects of which each is somebody else's: the operation that names one by its id. */
interface Case {
  readonly operation: OperationName
  readonly on: keyof World
  readonly names: keyof World
  /** What the operation needs first, done by root. */
  readonly before?: (all: World) => void
}

const cases: readonly Case[] = [
  { operation: 'vpcpConnect', on: 'other', names: 'hostif', before: freeOther },
  { operation: 'vpcpConnect', on: 'other', names: 'wire', before: freeOther },
  { operation: 'vpcpDisconnect', on: 'port', names: 'hostif' },
  { operation: 'vpcswPortAdd', on: 'sw', names: 'port', before: ({ sw, port }) => void sw.do('vpcswPortDelete', idBytes(port.id)) },
  { operation: 'vpcswPortDelete', on: 'sw', names: 'port' },
  { operation: 'vpcswUplinkSet', on: 'sw', names: 'port', before: freeUplink },
  { operation: 'vpcswSend', on: 'sw', names: 'port' },
  { operation: 'subnetSwitchSet', on: 'subnet', names: 'sw', before: (all) => leaveRouter(all) },
  { operation: 'subnetRouterSet', on: 'subnet', names: 'router', before: (all) => leaveRouter(all, true) },
  { operation: 'vpcnatRouterSet', on: 'nat', names: 'router', before: leaveWire },
  { operation: 'vpcnatEthlinkSet', on: 'nat', names: 'underlay', before: leaveWire },
  { operation: 'vpcmuxConnect', on: 'mux', names: 'underlay', before: ({ mux }) => void mux.do('vpcmuxDisconnect') },
]

function leaveWire({ nat }: World): void {
  for (const operation of ['vpcnatFloatsSet', 'vpcnatRouterSet', 'vpcnatEthlinkSet'] as const) nat.do(operation)
}

function leaveRouter({ subnet, router, nat }: World, alone = false): void {
  nat.do('vpcnatFloatsSet')
  router.do('vpcrtrRoutesSet')
  subnet.do(alone ? 'subnetRouterSet' : 'subnetSwitchSet')
}

function freeOther({ other, vmnic, port, hostif, uplink, wire }: World): void {
  other.do('vpcpDisconnect', idBytes(vmnic.id))
  port.do('vpcpDisconnect', idBytes(hostif.id))
  uplink.do('vpcpDisconnect', idBytes(wire.id))
}

function freeUplink({ sw, uplink, port, hostif }: World): void {
  sw.do('vpcswPortDelete', idBytes(uplink.id))
  port.do('vpcpDisconnect', idBytes(hostif.id))
}

suite('ids inside operations', () => {
  let host: ScratchHost
  let made: World
  let document: Uint8Array
  before(() => {
    host = new ScratchHost()
    made = world(host)
    document = host.mgmt().do('mgmtExport')
  })
  after(() => host[Symbol.asyncDispose]())

  for (const { operation, on, names, before: prepare } of cases) {
    test(`'${operations[operation].name}' of a ${names} needs the right to write it`, () => {
      // What the case before has changed is taken back.
      using mgmt = host.open('mgmt', generateId('mgmt'), create | read | write).handle
      mgmt.ctl(operations.mgmtApply.command, document)
      const all = reopen(host, made)
      prepare?.(all)
      const id = all[names].id
      give(host, [[all[on].id], 'read', 'write'], [undefined, 'read'])
      const own = openAs(host, all[on].handle.type, all[on].id)
      const is = seen(host)
      const { code, message } = refused(() =>
        own.do(operation, Buffer.concat([idBytes(id), operation === 'vpcswSend' ? rest : Buffer.alloc(0)])),
      )
      assert.equal(code, 'EACCES')
      assert.match(message, new RegExp(`^cannot .*: user 1000 may not write \\w+ ${id}; the policy of this host gives it read; ask for`))
      assert.equal(seen(host), is)
      give(host, [[all[on].id, id], 'read', 'write'])
      own.do(operation, Buffer.concat([idBytes(id), operation === 'vpcswSend' ? rest : Buffer.alloc(0)]))
    })
  }

  test('a port that does not exist is made for who may create it', async () => {
    await using host = new ScratchHost()
    const sw = host.create('vpcsw')
    const id = generateId('vpcp')
    give(host, [[sw.id, id], 'read', 'write'])
    const own = openAs(host, 'vpcsw', sw.id)
    assert.match(refused(() => own.do('vpcswPortAdd', idBytes(id))).message, /^cannot add port .*: user 1000 may not create vpcp /)
    assert.equal(sw.do('vpcswPortList').length, 0)
    give(host, [[sw.id], 'read', 'write'], [[id], 'write', 'create'])
    own.do('vpcswPortAdd', idBytes(id))
    assert.equal(sw.do('vpcswPortList').length, 16)
  })

  test('a descriptor has the rights of who opened it, and the policy of the moment counts', async () => {
    await using host = new ScratchHost()
    const { other, hostif, ...all } = world(host)
    freeOther({ other, hostif, ...all })
    give(host)
    // Root's descriptor, in the hands of another user.
    other.handle.ctl(operations.vpcpConnect.command, idBytes(hostif.id))
    assert.equal(other.describe<PortInfo>().peer, hostif.id)
  })

  test('no operation with a foreign id changes a foreign object', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    const foreign = Object.values(all).map(({ id }) => id)
    const own = { vpcsw: host.create('vpcsw'), vpcp: host.create('vpcp'), vpcmux: host.create('vpcmux') } as const
    const more = { vmnic: host.create('vmnic'), hostif: host.create('hostif'), ethlink: host.create('ethlink') } as const
    const mine = { ...own, ...more }
    own.vpcsw.do('vpcswVniSet', vni(7001))
    give(host, [Object.values(mine).map(({ id }) => id), 'read', 'write', 'create'])
    const is = seen(host, ...Object.values(mine).map(({ id }) => id))
    let refusals = 0
    for (const [name, operation] of Object.entries(operations) as [OperationName, (typeof operations)[OperationName]][]) {
      if (!operation.in || !(operation.type in mine)) continue
      const opened = openAs(host, operation.type, mine[operation.type as keyof typeof mine].id)
      for (const id of foreign) {
        for (const input of [idBytes(id), Buffer.concat([idBytes(id), rest])]) {
          try {
            opened.do(name, input)
          } catch {
            refusals++
          }
          assert.equal(seen(host, ...Object.values(mine).map((each) => each.id)), is, `${name} of ${id}`)
        }
      }
      opened.handle.close()
    }
    assert.ok(refusals > 100)
  })
})

suite('ids inside a document', () => {
  test('who applies it needs the right to what changes, and to what that is connected to', async () => {
    await using host = new ScratchHost()
    const all = world(host)
    const mgmt = generateId('mgmt')
    const document = json(host.mgmt().do('mgmtExport')) as { switches: { ports: Record<string, unknown>[] }[]; hostifs?: unknown[] }
    const changed = structuredClone(document)
    const ports = changed.switches[0]!.ports
    delete ports.find(({ interface: plugged }) => plugged === 'hostif0')!['interface']
    const attempt = (wanted: unknown, ...ids: Id[]): { code: string; message: string } | undefined => {
      give(host, [ids, 'read', 'write', 'create'])
      const opened = openAs(host, 'mgmt', mgmt, create | read | write)
      try {
        opened.do('mgmtApply', text(JSON.stringify(wanted)))
        return undefined
      } catch (error) {
        return refused(() => {
          throw error
        })
      } finally {
        opened.handle.close()
      }
    }
    const is = seen(host)
    assert.match(attempt(changed)!.message, new RegExp(`^cannot apply the document: user 1000 may not write vpcp ${all.port.id}`))
    assert.match(attempt(changed, all.port.id)!.message, new RegExp(`may not write hostif ${all.hostif.id}`))
    assert.match(attempt({ version: 1 }, all.port.id)!.message, /may not write/)
    const peered = structuredClone(document) as typeof document & { routers: { id: Id; routes: string[] }[] }
    const peer = host.create('vpcrtr')
    peered.routers[0]!.routes.push(`10.7.0.0/16 peer ${peer.id}`)
    assert.match(attempt(peered, all.router.id)!.message, new RegExp(`may not write vpcrtr ${peer.id}`))
    peer.do('metaDestroy')
    const vmnic = generateId('vmnic')
    const added = { ...document, vmnics: [...((document as { vmnics?: unknown[] }).vmnics ?? []), { id: vmnic }] }
    assert.match(attempt(added)!.message, new RegExp(`may not create and write vmnic ${vmnic}`))
    assert.equal(seen(host), is)
    assert.equal(attempt(document), undefined, 'what changes nothing needs nothing')
    assert.equal(attempt(changed, all.port.id, all.hostif.id), undefined)
    assert.equal(all.port.describe<PortInfo>().peer, null)
  })
})
