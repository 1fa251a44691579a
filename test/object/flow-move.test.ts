/** Flows of a port as a document: what it says, what comes back, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlowDocument, MovedFlow } from '#abi/flow-document.ts'
import { generateId, idBytes } from '#abi/id.ts'
import type { FlowImport } from '#abi/info.ts'
import { flowSeconds, pickupSeconds } from '#datapath/pickups.ts'
import { json, jsonText, u16, u32, vni } from './inputs.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'

const moved = (changes: Partial<MovedFlow> = {}): MovedFlow => ({
  protocol: 6,
  icmpType: 0,
  inside: '10.0.0.1',
  outside: '10.0.0.2',
  insidePort: 22,
  outsidePort: 1000,
  state: 'established',
  begun: 'in',
  fins: 0,
  idleSeconds: 5,
  ageSeconds: 100,
  rule: null,
  packetsIn: 3,
  packetsOut: 2,
  bytesIn: 300,
  bytesOut: 200,
  ...changes,
})
const documentOf = (...flows: MovedFlow[]): FlowDocument => ({ version: 1, flows })

/** A port in a switch that is in a group with a rule. */
function portOf(host: ScratchHost): { readonly port: Opened; readonly group: Opened; readonly sw: Opened } {
  const [sw, group, id] = [host.create('vpcsw'), host.create('group'), generateId('vpcp')]
  sw.do('vpcswVniSet', vni(5001))
  sw.do('vpcswPortAdd', idBytes(id))
  group.do('groupSwitchSet', idBytes(sw.id))
  group.do('groupRulesSet', jsonText([{ id: '10', direction: 'in', protocol: 'tcp', ports: ['22'] }]))
  return { port: host.open('vpcp', id), group, sw }
}

const taken = (port: Opened, document: unknown): FlowImport => json(port.do('vpcpFlowsImport', jsonText(document as object))) as FlowImport
const given = (port: Opened, within = 0): FlowDocument => json(port.do('vpcpFlowsExport', u32(within))) as FlowDocument

test('a document comes back as it was taken, the latest flows first', async () => {
  await using host = new ScratchHost()
  const { port, group } = portOf(host)
  port.do('vpcpGroupsSet', jsonText([group.id]))
  const rule = { group: group.id, rule: '10' }
  const flows = [
    moved({ rule, idleSeconds: 1 }),
    moved({ outside: 'fd00::2', inside: 'fd00::1', idleSeconds: 5, begun: 'out', fins: 4, state: 'closing' }),
    moved({ protocol: 1, icmpType: 8, insidePort: 7, outsidePort: 0, idleSeconds: 20, state: 'new' }),
    moved({ outsidePort: 1001, idleSeconds: 50, state: 'denied', rule: { group: generateId('group'), rule: '7' } }),
  ]
  assert.deepEqual(taken(port, documentOf(...flows)), { imported: 4, kept: 0 })
  const back = given(port)
  // A second may have passed; the name of a rule that this host never had is lost.
  const withoutAges = ({ idleSeconds, ageSeconds, ...rest }: MovedFlow): object => ({ ...rest, since: ageSeconds - idleSeconds })
  assert.deepEqual(
    back.flows.map(withoutAges),
    flows.map((flow, i) => withoutAges(i === 3 ? { ...flow, rule: null } : flow)),
  )
  back.flows.forEach(({ idleSeconds }, i) => assert.ok(Math.abs(idleSeconds - flows[i]!.idleSeconds) <= 5))
  assert.equal(given(port, 12).flows.length, 2)
  // A flow with later packets here stays, and all others are taken again.
  const again = documentOf(...flows.map((flow, i) => ({ ...flow, idleSeconds: flow.idleSeconds + (i === 0 ? 1000 : 0), packetsIn: 99 })))
  assert.deepEqual(taken(port, again), { imported: 3, kept: 1 })
  assert.deepEqual(
    given(port).flows.map(({ packetsIn }) => packetsIn),
    [3, 99, 99, 99],
  )
})

test('what is not a document, is too much, or is for a port in no group is refused, and nothing is done', async () => {
  await using host = new ScratchHost()
  const { port, group } = portOf(host)
  const says = (document: unknown, code: string, message: RegExp): void => {
    const refusal = refused(() => taken(port, document))
    assert.equal(refusal.code, code, refusal.message)
    assert.match(refusal.message, message)
  }
  says(documentOf(moved()), 'EINVAL', /in no security group, so nobody tracks its flows; put the port into its groups first/)
  port.do('vpcpGroupsSet', jsonText([group.id]))
  says([], 'EINVAL', /a document of flows is a map/)
  says({ version: 2, flows: [] }, 'EINVAL', /its version is '2'; this vpcd reads version 1/)
  says({ version: 1, flows: Array.from({ length: 25_001 }, () => 0) }, 'EINVAL', /it has 25001 flows, and may have 25000/)
  const one = (changes: object): unknown => ({ version: 1, flows: [moved(), { ...moved(), ...changes }] })
  says(one({ state: 'odd' }), 'EINVAL', /flows\[1\]: state is one of new, replied/)
  says(one({ inside: 'here' }), 'EINVAL', /flows\[1\]: inside and outside are addresses, not 'here'/)
  says(one({ insidePort: 65_536 }), 'EINVAL', /flows\[1\]: insidePort is a number from 0 to 65535/)
  says(one({ rule: { group: 'web', rule: '1' } }), 'EINVAL', /flows\[1\]: rule.group is the id of a group/)
  port.do('vpcpMaxFlowsSet', u32(64))
  const many = documentOf(...Array.from({ length: 65 }, (_, i) => moved({ outsidePort: i + 1 })))
  says(many, 'E2BIG', /65 established flows, and the port room for 64; raise it: vpc switch port set --max-flows/)
  assert.deepEqual(given(port).flows, [])
})

test('a port takes connections under way after it joins groups, is attached or released, and takes flows over', async () => {
  await using host = new ScratchHost()
  const { port, group } = portOf(host)
  const { pickups, flows } = host.datapath.tables.policy
  port.do('vpcpGroupsSet', jsonText([group.id]))
  const [source] = flows.known() as [number]
  port.do('vpcpGroupsSet', jsonText([]))
  const opens = (act: () => void): void => {
    pickups.open(source, -pickupSeconds)
    act()
    const left = pickups.until(source) - flowSeconds()
    assert.ok(left > pickupSeconds - 10 && left <= pickupSeconds, `${left} s are left`)
  }
  const open = (): boolean => pickups.until(source) > flowSeconds()
  opens(() => port.do('vpcpGroupsSet', jsonText([group.id])))
  opens(() => port.do('vpcpConnect', idBytes(host.create('hostif').id)))
  pickups.open(source, 0)
  port.do('vpcpHeldSet', u16(1))
  assert.ok(!open())
  opens(() => port.do('vpcpHeldSet', u16(0)))
  opens(() => void taken(port, documentOf(moved())))
})
