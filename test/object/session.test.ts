/**
 * Sessions and rights: a transaction needs the rights to its objects and no others, and the handles of a user are
 * limited.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handleType, openFlag, operations, type OperationName } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { PortInfo, SwitchInfo } from '#abi/info.ts'
import type { TypeName } from '#abi/object-type.ts'
import { encodeSteps, handleCtl, handleOpen, type HandleOpen, type Step } from '#abi/session.ts'
import { Access, type AccessRight } from '#object/access.ts'
import { u16, vni } from './inputs.ts'
import { Opened, refused, ScratchHost } from './scratch-host.ts'

const alice = { pid: 4711, uid: 1000, gid: 1000 }
const { create, open, read, write, session } = openFlag

/** Have alice's rights be these, and nobody else's. */
function give(host: ScratchHost, ids: readonly Id[], ...rights: AccessRight[]): void {
  const rule = { to: { uid: alice.uid }, types: new Set(['vpcsw', 'vpcp'] as const), ids: new Set(ids), rights: new Set(rights) }
  host.host.access = new Access({ rules: [rule] })
}

const sessionOf = (host: ScratchHost): Opened =>
  new Opened(host.host.open(alice, idBytes(generateId('mgmt')), handleType('mgmt'), BigInt(create | read | session)))

const opening = (number: number, type: TypeName, id: Id, flags: number = open | read | write): HandleOpen => ({
  number,
  pad: 0,
  id: idBytes(id),
  handleType: handleType(type),
  flags: BigInt(flags),
})
const openStep = (...args: Parameters<typeof opening>): Step => ({ kind: 'open', open: opening(...args) })
const ctlStep = (number: number, name: OperationName, input: Uint8Array = new Uint8Array()): Step => ({
  kind: 'ctl',
  number,
  command: operations[name].command,
  input,
})

test('a transaction needs the rights to the objects that it changes or names, and none to the host', async () => {
  await using host = new ScratchHost()
  const sw = host.create('vpcsw')
  const [own, foreign] = [host.create('vpcp'), host.create('vpcp')]
  sw.do('vpcswPortAdd', idBytes(own.id))
  give(host, [sw.id, own.id], 'read', 'write')
  const mine = sessionOf(host)
  assert.equal(refused(() => mine.do('mgmtStats')).code, 'EPERM', 'nothing else of a management handle')
  const steps = [openStep(1, 'vpcsw', sw.id), openStep(2, 'vpcp', own.id), ctlStep(2, 'vpcpVlanSet', u16(7))]
  mine.do('mgmtTransaction', encodeSteps([...steps, ctlStep(1, 'vpcswVniSet', vni(5001))]))
  assert.equal(own.describe<PortInfo>().vlan, 7)
  assert.equal(sw.describe<SwitchInfo>().vni, 5001)

  const naming = refused(() =>
    mine.do('mgmtTransaction', encodeSteps([ctlStep(2, 'vpcpVlanSet', u16(9)), ctlStep(1, 'vpcswPortAdd', idBytes(foreign.id))])),
  )
  assert.equal(naming.code, 'EACCES')
  assert.match(naming.message, /^step 2 of 2: cannot .*: user 1000 may not write vpcp /)
  const opened = refused(() =>
    mine.do('mgmtTransaction', encodeSteps([ctlStep(2, 'vpcpVlanSet', u16(9)), openStep(3, 'vpcp', foreign.id)])),
  )
  assert.equal(opened.code, 'EACCES')
  assert.equal(own.describe<PortInfo>().vlan, 7, 'step 1 was taken back')
})

test('steps that cannot be are refused with their place, and nothing is done', async () => {
  await using host = new ScratchHost()
  const sw = host.create('vpcsw')
  give(host, [sw.id], 'read', 'write')
  const mine = sessionOf(host)
  const up = openStep(1, 'vpcsw', sw.id)
  const wrong: readonly (readonly [steps: readonly Step[] | Uint8Array, code: string, message: RegExp])[] = [
    [[up, openStep(1, 'vpcsw', sw.id)], 'EEXIST', /^step 2 of 2: handle 1 is given by a step before/],
    [[ctlStep(9, 'vpcswReset')], 'EBADF', /^step 1 of 1: this session holds no handle 9/],
    [[up, ctlStep(1, 'vpcswVniGet')], 'EOPNOTSUPP', /^step 2 of 2: .*a transaction takes operations that change an object/],
    [[up, ctlStep(1, 'vpcpVlanSet', u16(1))], 'EOPNOTSUPP', /^step 2 of 2: .*is an operation of/],
    [[openStep(1, 'mgmt', generateId('mgmt'), create)], 'EOPNOTSUPP', /^step 1 of 1: .*not management handles/],
    [[openStep(1, 'vpcsw', generateId('vpcsw'))], 'EACCES', /^step 1 of 1/],
    [Buffer.from('0100000028000000', 'hex'), 'EINVAL', /step 1 has 40 bytes, of which 0 are there/],
    [Buffer.from('010000', 'hex'), 'EINVAL', /step 1 is cut short/],
    [Buffer.from('0300000000000000', 'hex'), 'EINVAL', /step 1 is of kind 3; kinds are 1/],
  ]
  const before = sw.describe<SwitchInfo>()
  for (const [steps, code, message] of wrong) {
    const input = steps instanceof Uint8Array ? steps : encodeSteps(steps)
    const failed = refused(() => mine.do('mgmtTransaction', input))
    assert.equal(failed.code, code, failed.message)
    assert.match(failed.message, message)
  }
  assert.deepEqual(sw.describe<SwitchInfo>(), before)
  assert.equal(
    refused(() => mine.do('mgmtHandleOpen', handleOpen.encode(opening(1, 'mgmt', generateId('mgmt'), create | session)))).code,
    'EINVAL',
  )
  assert.equal(refused(() => host.host.open(alice, idBytes(sw.id), handleType('vpcsw'), BigInt(open | session))).code, 'EINVAL')
})

test('one user holds so many handles, and closing the session gives all back', async () => {
  await using host = new ScratchHost()
  const sw = host.create('vpcsw')
  give(host, [sw.id], 'read', 'write')
  const mine = sessionOf(host)
  let number = 0
  const more = (): void => void mine.do('mgmtHandleOpen', handleOpen.encode(opening(++number, 'vpcsw', sw.id)))
  const full = refused(() => {
    for (;;) more()
  })
  assert.equal(full.code, 'EMFILE')
  assert.match(full.message, /user 1000 may hold 16384 handles at the same time; close some first/)
  assert.equal(sw.describe<SwitchInfo>().descriptors, number)
  mine.do('mgmtHandleClose', Buffer.from('01000000', 'hex'))
  const two = [openStep(number + 1, 'vpcsw', sw.id), openStep(number + 2, 'vpcsw', sw.id)]
  assert.equal(refused(() => mine.do('mgmtTransaction', encodeSteps(two))).code, 'EMFILE', 'there is room for one')
  assert.equal(sw.describe<SwitchInfo>().descriptors, number - 1)
  more()
  const roots = host.open('mgmt', generateId('mgmt'), create | read | session)
  for (let i = 1; i <= 16_385; i++) roots.do('mgmtHandleOpen', handleOpen.encode(opening(i, 'vpcsw', sw.id)))
  roots.handle.close()
  mine.handle.close()
  assert.equal(sw.describe<SwitchInfo>().descriptors, 1)
  assert.equal(
    refused(() => mine.do('mgmtHandleCtl', handleCtl.encode({ number: 2, command: operations.metaIdGet.command }))).code,
    'EBADF',
  )
})
