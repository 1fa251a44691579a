/** Security groups, from operations to tables: what follows, what is refused, what outlives vpcd. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditReport } from '#abi/audit.ts'
import { openFlag } from '#abi/command.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { dstFlag, portFlag } from '#datapath/layout.ts'
import { flow, flowKey, type PortPolicy } from '#datapath/policy-layout.ts'
import { ruleNumber } from '#object/sync/policy/policy.ts'
import { formatIp, fromMapped, isIpv4 } from '#wire/ip-address.ts'
import { addresses, json, jsonText, text, u32, vni } from './inputs.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'

const rule = { id: '10', direction: 'in', protocol: 'tcp', ports: ['22'] } as const

interface World {
  readonly sw: Opened
  readonly port: Opened
  readonly group: Opened
  readonly set: Opened
}

/** A switch with a port that has a hostif in it, a group and a set. */
function world(host: ScratchHost): World {
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(5001))
  const id = generateId('vpcp')
  sw.do('vpcswPortAdd', idBytes(id))
  const port = host.open('vpcp', id)
  port.do('vpcpConnect', idBytes(host.create('hostif').id))
  port.do('vpcpAddressesSet', addresses('10.0.0.1', 'fd00::1'))
  const [group, set] = [host.create('group'), host.create('set')]
  group.do('groupSwitchSet', idBytes(sw.id))
  set.do('setSwitchSet', idBytes(sw.id))
  return { sw, port, group, set }
}

/** How many entries the tables have. */
function sizes({ datapath: { tables } }: ScratchHost): Record<string, number> {
  const { policy } = tables
  const names = ['members', 'cidrs', 'peerRules', 'portRules', 'portCuts', 'ruleNumbers', 'portPolicies'] as const
  return Object.fromEntries(names.map((name) => [name, policy[name].encodedEntries().length]))
}

function onMgmt(host: ScratchHost, operation: 'mgmtExport' | 'mgmtPlan', document?: object): unknown {
  const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  try {
    return json(mgmt.do(operation, document && jsonText(document)))
  } finally {
    mgmt.handle.close()
  }
}

const nothing = { members: 0, cidrs: 0, peerRules: 0, portRules: 0, portCuts: 0, ruleNumbers: 0, portPolicies: 0 }

const isRight = (host: ScratchHost): void => {
  const mgmt = host.mgmt()
  using _ = mgmt.handle
  assert.deepEqual((json(mgmt.do('mgmtAudit')) as { items: unknown[] }).items, [])
}

test('the tables follow ports, rules, members and sets, and have nothing that no port here needs', async () => {
  await using host = new ScratchHost()
  const { port, group, set } = world(host)
  const { tables } = host.datapath
  const { policy } = tables
  group.do('groupRulesSet', jsonText([{ ...rule, peers: [group.id, set.id] }]))
  group.do('groupMembersSet', jsonText(['10.0.0.7']))
  set.do('setNetworksSet', jsonText(['192.0.2.0/24', '::/0']))
  assert.deepEqual(sizes(host), nothing)
  port.do('vpcpGroupsSet', jsonText([group.id]))
  const { stats, flags } = tables.ports.entries()[0]![1]
  assert.ok(flags & portFlag.policy)
  assert.equal(tables.fdb.entries()[0]![1].flags & (dstFlag.policy | dstFlag.multicast), dstFlag.policy)
  // Three members; two networks, and that of all IPv4 inside of ::/0; classes: members, networks, and both.
  assert.deepEqual(sizes(host), { members: 3, cidrs: 3, peerRules: 4, portRules: 4, portCuts: 2, ruleNumbers: 1, portPolicies: 1 })
  assert.equal(policy.flows.quota(stats), 16_384)
  const before = policy.portPolicies.get(stats) as PortPolicy
  assert.equal(before.out, 0)
  group.do('groupMemberAdd', jsonText(['10.0.0.8']))
  assert.deepEqual(policy.portPolicies.get(stats), before)
  assert.equal(sizes(host)['members'], 4)
  group.do('groupRuleAdd', jsonText([{ id: '20', direction: 'in', peers: ['224.0.0.0/4'] }]))
  assert.notEqual(policy.portPolicies.get(stats)!.in, before.in)
  assert.ok(tables.fdb.entries()[0]![1].flags & dstFlag.multicast)
  group.do('groupRuleDelete', jsonText(['20']))
  assert.deepEqual(policy.portPolicies.get(stats), before)
  isRight(host)
  // An audit finds what somebody else has broken, and a repair restores it.
  policy.peerRules.deleteMany(policy.peerRules.entries().map(([key]) => key))
  policy.portPolicies.delete(stats)
  const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  const { mended } = json(mgmt.do('mgmtRepair')) as AuditReport
  mgmt.handle.close()
  assert.equal(mended.length, 5)
  assert.deepEqual(policy.portPolicies.get(stats), before)
  isRight(host)
  port.do('vpcpGroupsSet', jsonText([]))
  assert.deepEqual(sizes(host), nothing)
  assert.equal(policy.flows.quota(stats), undefined)
  isRight(host)
})

test('what means nothing, does not fit or is in use is refused, and nothing of it is done', async () => {
  await using host = new ScratchHost({ members: 4 })
  const { port, group, set } = world(host)
  port.do('vpcpGroupsSet', jsonText([group.id]))
  group.do('groupRulesSet', jsonText([{ ...rule, peers: [set.id, group.id] }]))
  const other = host.create('vpcsw')
  const before = [sizes(host), host.snapshot()]
  const many = Array.from({ length: 1025 }, (_, i) => ({ ...rule, id: String(i + 1) }))
  const ports = Array.from({ length: 600 }, (_, i) => String(2 * i + 1))
  const add = (changes: object) => () => group.do('groupRuleAdd', jsonText([{ ...rule, ...changes }]))
  const cases: readonly [run: () => unknown, errno: string, says: RegExp][] = [
    [add({ protocol: 'icmp' }), 'EINVAL', /rule 10: protocol icmp has no ports, so the rule never matches/],
    [add({ ports: [], icmp: '8' }), 'EINVAL', /protocol tcp has no ICMP types, so the rule never matches/],
    [add({ ports: [], protocol: 'icmp', peers: ['fd00::/8'] }), 'EINVAL', /icmp never comes from fd00::\/8; the protocol .* is icmpv6/],
    [add({ ports: ['9-8'] }), 'EINVAL', /no port in it; write 8-9/],
    [add({ ports: ['65536'] }), 'EINVAL', /'65536' is neither a port nor a range/],
    [add({ peers: ['10.0.0.1/8'] }), 'EINVAL', /host bits; the network is 10.0.0.0\/8/],
    [add({ direction: 'both' }), 'EINVAL', /its direction is in or out, not 'both'/],
    [add({ peers: [generateId('set')] }), 'ENOENT', /there is no address set of that id; create it first/],
    [add({ ports }), 'E2BIG', /1200 bounds of port ranges .* table port_cuts has room for 1023/],
    [() => group.do('groupRulesSet', jsonText(many)), 'E2BIG', /1025 rules .* table peer_rules has room for 1024/],
    [
      () => group.do('groupMembersSet', jsonText(['10.0.0.7', '10.0.0.8', '10.0.0.9'])),
      'ENOSPC',
      /table members is full, it takes 4 .*--table members=NUMBER/,
    ],
    [() => group.do('groupMemberDelete', jsonText(['10.0.0.1'])), 'ENOENT', /members on this host follow from their ports/],
    [() => port.do('vpcpGroupsSet', jsonText([generateId('group')])), 'ENOENT', /there is no group .* create it with vpc group create/],
    [() => group.do('groupSwitchSet', idBytes(other.id)), 'EBUSY', /is in it, and in another switch/],
    [() => group.do('metaDestroy'), 'EBUSY', /is in it; take the port out of the group first/],
    [() => set.do('metaDestroy'), 'EBUSY', /rule 10 of group0 .* is about it; delete that rule first/],
    [() => set.do('setNetworkDelete', jsonText(['192.0.2.0/24'])), 'ENOENT', /192.0.2.0\/24 is not in it/],
  ]
  for (const [run, errno, says] of cases) {
    const { code, message } = refused(run)
    assert.equal(code, errno, message)
    assert.match(message, says)
    assert.deepEqual([sizes(host), host.snapshot()], before, message)
    isRight(host)
  }
})

test('a subnet as a peer is its prefixes, whatever they become, in operations and in documents', async () => {
  await using host = new ScratchHost()
  const { sw, port, group } = world(host)
  const [subnet, other] = [host.create('subnet'), host.create('vpcsw')]
  const networks = (): string[] =>
    host.datapath.tables.policy.cidrs
      .entries()
      .map(([{ addr, length }]) => `${formatIp(fromMapped(addr))}/${length - 32 - (isIpv4(fromMapped(addr)) ? 96 : 0)}`)
      .sort()
  port.do('vpcpGroupsSet', jsonText([group.id]))
  group.do('groupRulesSet', jsonText([{ ...rule, peers: [subnet.id] }]))
  assert.deepEqual(networks(), [])
  subnet.do('subnetPrefix4Set', text('10.1.0.0/24'))
  subnet.do('subnetVniSet', vni(5002))
  assert.deepEqual(refused(() => subnet.do('subnetSwitchSet', idBytes(other.id))).code, 'EBUSY')
  subnet.do('subnetSwitchSet', idBytes(sw.id))
  assert.deepEqual(networks(), ['10.1.0.0/24'])
  subnet.do('subnetPrefix4Set', text('10.2.0.0/23'))
  subnet.do('subnetPrefix6Set', text('fd02::/64'))
  assert.deepEqual(networks(), ['10.2.0.0/23', 'fd02::/64'])
  isRight(host)
  const { code, message } = refused(() => subnet.do('metaDestroy'))
  assert.deepEqual([code, /rule 10 of group0 .* is about it; delete that rule first/.test(message)], ['EBUSY', true], message)
  for (const each of [sw, other, port, group, subnet]) each.do('metaCommit')
  host.open('hostif', (json(port.do('metaDescribe')) as { peer: string }).peer as never).do('metaCommit')
  const document = onMgmt(host, 'mgmtExport') as { groups: { rules: { peers: string[] }[] }[] }
  assert.deepEqual(document.groups[0]!.rules[0]!.peers, ['subnet0'])
  assert.deepEqual(onMgmt(host, 'mgmtPlan', document), [])
  await host.restart()
  assert.deepEqual(networks(), ['10.2.0.0/23', 'fd02::/64'])
  isRight(host)
})

test('flows, and all that decides about them, outlive a vpcd that is killed and a start with other programs', async () => {
  await using host = new ScratchHost()
  const { sw, port, group } = world(host)
  for (const each of [sw, port, group]) each.do('metaCommit')
  host.open('hostif', (json(port.do('metaDescribe')) as { peer: string }).peer as never).do('metaCommit')
  group.do('groupRulesSet', jsonText([rule]))
  port.do('vpcpGroupsSet', jsonText([group.id]))
  port.do('vpcpMaxFlowsSet', u32(8))
  const key = flowKey.encode({
    protocol: 6,
    icmpType: 0,
    inside: new Uint8Array(16),
    outside: new Uint8Array(16),
    insidePort: 22,
    outsidePort: 9,
  })
  const { stats } = host.datapath.tables.ports.entries()[0]![1]
  const before = [sizes(host), host.datapath.tables.policy.portPolicies.get(stats)]
  host.datapath.tables.policy.flows.put(
    stats,
    key,
    flow.encode({ ...flow.decode(new Uint8Array(flow.size)), rule: ruleNumber(group.id, '10') }),
  )
  await host.kill()
  host.start()
  const { policy } = host.datapath.tables
  assert.deepEqual([sizes(host), policy.portPolicies.get(stats)], before)
  assert.equal(policy.flows.ofPort(stats).length, 1)
  assert.deepEqual(
    host.lines.filter(({ message }) => message.startsWith('repaired table')),
    [],
  )
  const [listed] = json(host.mgmt().do('mgmtFlows', idBytes(port.id))) as { insidePort: number; protocol: string; rule: string | null }[]
  assert.deepEqual([listed!.insidePort, listed!.protocol, listed!.rule], [22, 'tcp', 'rule 10 of group0'])
  // A larger quota takes the flows along.
  host.open('vpcp', port.id).do('vpcpMaxFlowsSet', u32(100))
  assert.deepEqual([policy.flows.quota(stats), policy.flows.ofPort(stats).length], [100, 1])
  isRight(host)
  assert.equal(host.datapath.expireFlows(stats), 1)
  assert.deepEqual([policy.flows.ofPort(stats), host.datapath.expireFlows(stats)], [[], 0])
})
