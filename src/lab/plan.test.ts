/** The plan of a lab: names, ids and tables that follow from the file alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idMac, parseId } from '#abi/id.ts'
import { formatIp } from '#wire/ip-address.ts'
import { formatMac, isMulticastMac, isZeroMac } from '#wire/mac.ts'
import { parseLab } from './lab-file.ts'
import { labId } from './lab-id.ts'
import { groupsAllowPing } from './plan-groups.ts'
import { netnsNames, planLab } from './plan.ts'

const lab = parseLab(
  `
name: t
underlay: { network: 192.0.2.0/24, port: 4790 }
hosts: { h1: {}, h2: {}, h3: {} }
customers:
  red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00::/64' }, b: { vni: 5002, network: 10.0.1.0/24 } } }
  blue: { subnets: { a: { vni: 6001, network: 10.0.0.0/24 } } }
guests:
  r1: { host: h1, subnet: red/a }
  r2: { host: h2, subnet: red/a }
  r3: { host: h3, subnet: red/b }
  b1: { host: h1, subnet: blue/a }
  b2: { host: h1, subnet: blue/a }
links:
  w: { host: h3, uplink: red/a, vtag: 7, address: [10.0.0.100/24, 198.51.100.2/24] }
`,
  'x',
)
const plan = planLab(lab)
const host = (name: string) => plan.hosts.find((candidate) => candidate.name === name)!

test('the same file gives the same plan, another lab name other ids', () => {
  assert.deepEqual(planLab(lab), plan)
  assert.notEqual(planLab({ ...lab, name: 'u' }).guests[0]!.interfaceId, plan.guests[0]!.interfaceId)
})

test('namespaces are named after the lab and the thing', () => {
  assert.deepEqual(netnsNames(plan), ['t-underlay', 't-h1', 't-h2', 't-h3', 't-r1', 't-r2', 't-r3', 't-b1', 't-b2', 't-w'])
})

test('ids have their type, and a MAC that was given out locally to one machine', () => {
  for (const type of ['hostif', 'vpcsw', 'vpcmux', 'vpcp', 'ethlink'] as const)
    for (let n = 0; n < 50; n++) {
      const id = labId(type, 't', `g${n}`)
      assert.ok(parseId(id, type).ok, id)
      assert.equal(isMulticastMac(idMac(id)), false)
      assert.equal(idMac(id)[0]! & 2, 2)
    }
})

test('names that only together are the same give different ids', () => {
  assert.notEqual(labId('vpcsw', 't', 'h1', 'red'), labId('vpcsw', 't', 'h1red'))
})

test('a host has a switch for each customer that it has guests of', () => {
  assert.deepEqual(
    plan.hosts.map(({ switches }) => switches.map(({ customer, vni }) => [customer, vni])),
    [
      [
        ['red', 5001],
        ['blue', 6001],
      ],
      [['red', 5001]],
      [['red', 5001]],
    ],
  )
  assert.deepEqual(
    host('h1').switches[1]!.guests.map(({ name }) => name),
    ['b1', 'b2'],
  )
})

test("a host's forwarding entries are the remote guests of its own VNIs, and a broadcast entry for each host of a VNI", () => {
  const entries = host('h1').entries.map(({ vni, mac, vtep }) => [vni, isZeroMac(mac) ? 'broadcast' : formatMac(mac), formatIp(vtep)])
  assert.deepEqual(entries, [
    [5001, formatMac(plan.guests[1]!.mac), '192.0.2.2'],
    [5001, 'broadcast', '192.0.2.2'],
    [5001, 'broadcast', '192.0.2.3'],
  ])
})

test('neighbours are all guests of the VNI with all their addresses, link-local too, and the machine on the wire', () => {
  assert.deepEqual(
    host('h1').switches[0]!.neighbours.map(({ vni, address }) => `${vni} ${formatIp(address)}`),
    [
      '5001 10.0.0.1',
      '5001 fd00::1',
      `5001 ${formatIp(plan.guests[0]!.addresses[2]!.address)}`,
      '5001 10.0.0.2',
      '5001 fd00::2',
      `5001 ${formatIp(plan.guests[1]!.addresses[2]!.address)}`,
    ],
  )
  assert.match(formatIp(plan.guests[0]!.addresses[2]!.address), /^fe80::/)
  const onWire = host('h3').switches[0]!.neighbours.filter(({ mac }) => formatMac(mac) === formatMac(plan.wires[0]!.mac))
  assert.deepEqual(
    onWire.map(({ address }) => formatIp(address)),
    ['10.0.0.100'],
  )
})

test('the mux listens on the address of the host and the port of the underlay', () => {
  assert.equal(host('h2').listen, '192.0.2.2:4790')
})

test('an uplink wraps the interface that is called like the link', () => {
  const { l2Name, vni, vtag } = host('h3').switches[0]!.uplink!
  assert.deepEqual({ l2Name, vni, vtag }, { l2Name: 'w', vni: 5001, vtag: 7 })
})

const routed = planLab(
  parseLab(
    `
name: t
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {}, h2: {} }
customers:
  red:
    router: true
    subnets: { a: { vni: 5001, network: 10.0.0.0/24 }, b: { vni: 5002, network: 10.0.1.0/24 } }
    groups:
      web: [{ id: 1, direction: in, protocol: icmp, peers: [ops] }]
      ops: []
guests:
  a: { host: h1, subnet: red/a, groups: [ops] }
  b: { host: h2, subnet: red/b, groups: [web] }
  c: { host: h2, subnet: red/b }
`,
    'x',
  ),
)

test('behind a router a host knows the guests of all its subnets, and sends broadcasts to its own', () => {
  const [h1] = routed.hosts
  assert.deepEqual(
    h1!.entries.map(({ vni, mac }) => [vni, formatMac(mac)]),
    routed.guests.slice(1).map(({ vni, mac }) => [vni, formatMac(mac)]),
  )
  assert.deepEqual(
    h1!.switches[0]!.neighbours.map(({ address }) => formatIp(address)),
    ['10.0.0.2', '10.0.1.2', '10.0.1.3'],
  )
  assert.deepEqual(
    h1!.switches[0]!.subnets.map(({ gateways }) => gateways.map(formatIp)),
    [['10.0.0.1'], ['10.0.1.1']],
  )
})

test('groups have the same ids on all hosts, and rules name them; a ping passes when a rule has its sender', () => {
  const [h1, h2] = routed.hosts
  assert.deepEqual(h1!.switches[0]!.groups, h2!.switches[0]!.groups)
  const [web, ops] = h1!.switches[0]!.groups
  assert.deepEqual(web!.rules[0]!.peers, [ops!.id])
  assert.deepEqual(
    ops!.members.map(({ host: where, address }) => [where, formatIp(address)]),
    [['h1', '10.0.0.2']],
  )
  const [a, b, c] = routed.guests
  assert.deepEqual([groupsAllowPing(a!, b!, 4), groupsAllowPing(c!, b!, 4), groupsAllowPing(b!, a!, 4)], [true, false, false])
})
