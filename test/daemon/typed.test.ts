/**
 * Every typed operation of the client against a real vpcd: getters return what setters set, and refusals have their
 * errno. Needs root.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { operations, type OperationName } from '#abi/command.ts'
import { isUnitType } from '#abi/object-type.ts'
import { Descriptor } from '#client/descriptor.ts'
import { VpcError } from '#client/error.ts'
import { setGuestServices } from './guest-settings.ts'
import { useMovedUnits } from './moved-units.ts'
import { useNames, useNeighbours } from './name-operations.ts'
import { useNat } from './nat-operations.ts'
import { TestHost } from './test-host.ts'
import { elsewhere } from './untyped-operations.ts'

let host: TestHost
before(async () => {
  host = TestHost.create()
  await host.start()
})
after(() => host[Symbol.asyncDispose]())

const create = { create: true }
const code =
  (expected: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof VpcError, String(error))
    assert.equal(error.code, expected, error.message)
    assert.match(error.message, message)
    return true
  }

/** Every operation that a test has used, to see that none was left out. */
const used = new Set<OperationName>()
const { ctl } = Descriptor.prototype
Descriptor.prototype.ctl = function (operation, input) {
  used.add(operation)
  return ctl.call(this, operation, input)
}

test('what any object takes', async () => {
  const id = generateId('vmnic')
  const vmnic = await host.vpc.openVmnic(id, create)
  assert.equal(await vmnic.mac(), id.slice(24).replace(/..(?!$)/g, '$&:'))
  await vmnic.setMac('02:00:5e:00:00:01')
  await vmnic.giveTo('agent')
  assert.equal(await vmnic.keeper(), 'agent')
  await useNames(host, vmnic)
  await assert.rejects(vmnic.giveTo('no name'), code('EINVAL', /owner's name/))
  assert.equal(await vmnic.mac(), '02:00:5e:00:00:01')
  await assert.rejects(vmnic.setMac('01:00:5e:00:00:01'), code('EINVAL', /multicast/))
  assert.equal(await vmnic.mtu(), 1500)
  await vmnic.setMtu(1400)
  assert.equal(await vmnic.mtu(), 1400)
  await assert.rejects(vmnic.setMtu(10), code('EINVAL', /an MTU is/))
  const { committed, mtuSet, unit } = await vmnic.describe()
  assert.deepEqual([committed, mtuSet], [false, true])
  assert.match(unit, /^vmnic\d+$/)
  await using other = await host.vpc.openVmnic(id)
  await assert.rejects(other.commit(), code('EPERM', /WRITE/))
  await assert.rejects(other.ctl('vpcswPortList'), code('EOPNOTSUPP'))
  await vmnic.commit()
  await vmnic.close()
  await using again = await host.vpc.openVmnic(id, { write: true })
  assert.equal((await again.describe()).committed, true)
  await again.destroy()
  await assert.rejects(again.mac(), code('ESTALE', /was destroyed/))
  await assert.rejects(host.vpc.openVmnic(id), code('ENOENT'))
})

test('a switch', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  assert.deepEqual(
    [await sw.vni(), await sw.up(), await sw.floodUnknown(), await sw.uplink(), await sw.ports()],
    [0, true, false, null, []],
  )
  await sw.setVni(16777215)
  await sw.setUp(false)
  await sw.setFloodUnknown(true)
  assert.deepEqual([await sw.vni(), await sw.up(), await sw.floodUnknown()], [16777215, false, true])
  await using rival = await host.vpc.openSwitch(generateId('vpcsw'), create)
  const [a, b] = [generateId('vpcp'), generateId('vpcp')]
  await sw.addPort(a)
  await sw.addPort(b)
  await assert.rejects(rival.addPort(b), code('EBUSY', /is in switch/))
  await assert.rejects(sw.addPort(generateId('vmnic')), code('EINVAL', /for a port use/))
  await sw.setUplink(a)
  assert.equal(await sw.uplink(), a)
  await assert.rejects(sw.setUplink(generateId('vpcp')), code('ENOENT'))
  assert.deepEqual((await sw.ports()).toSorted(), [a, b].toSorted())
  await sw.deletePort(b)
  assert.deepEqual(await sw.ports(), [a])
  await assert.rejects(sw.deletePort(b), code('ENOENT'))
  const neighbours = await useNeighbours(sw)
  await sw.setMaxEntries(5)
  await sw.setMaxNeighbours(2)
  await sw.setMaxAddresses(7)
  assert.deepEqual([await sw.maxEntries(), await sw.maxNeighbours(), await sw.maxAddresses()], [5, 2, 7])
  await assert.rejects(sw.setNeighbours([{ vni: 5, address: '10.0.0.2', mac: '02:00:00:00:00:01' }]), code('EDQUOT', /--max-neighbours/))
  const unused = neighbours.map((each) => ({ ...each, used: false }))
  assert.deepEqual(
    (await sw.neighboursWithFlags()).toSorted((x, y) => x.address.length - y.address.length),
    unused,
  )
  await sw.clearUsedNeighbours()
  await sw.deleteNeighbours(neighbours)
  assert.deepEqual(await sw.neighbours(), [])
  await sw.reset()
})

test('a port', async () => {
  await using port = await host.vpc.openPort(generateId('vpcp'), create)
  assert.deepEqual(
    [await port.vni(), await port.vlan(), await port.peer(), await port.addresses(), await port.antispoof()],
    [0, 0, null, [], true],
  )
  await port.setVni(5001)
  await port.setVlan(4095)
  await port.setAddresses(['10.0.0.1', '2001:db8::1'])
  await port.setAntispoof(false)
  assert.deepEqual([await port.anyEthertype(), await port.vrrp(), await port.macs()], [false, false, []])
  await port.setAnyEthertype(true)
  await port.setVrrp(true)
  await port.setMacs(['02:00:00:00:09:01', '00:00:5e:00:01:33'])
  assert.deepEqual([await port.anyEthertype(), await port.vrrp()], [true, true])
  assert.deepEqual((await port.macs()).toSorted(), ['00:00:5e:00:01:33', '02:00:00:00:09:01'])
  await port.setHeld(true)
  assert.equal(await port.held(), true)
  await port.setHeld(false)
  assert.equal(await port.leaving(), false)
  await port.setLeaving(true)
  assert.equal(await port.leaving(), true)
  await port.setLeaving(false)
  assert.equal(await port.broadcastRate(), 2000)
  await port.setBroadcastRate(100)
  assert.equal(await port.broadcastRate(), 100)
  await port.setRateOut(12_500_000_000)
  await port.setRateIn(1)
  assert.deepEqual([await port.rateOut(), await port.rateIn()], [12_500_000_000, 1])
  await assert.rejects(port.setRateIn(1e11 + 1), code('EINVAL', /from 0 to 100000000000/))
  await port.setPacketRateOut(3)
  await port.setPacketRateIn(4)
  assert.deepEqual([await port.packetRateOut(), await port.packetRateIn()], [3, 4])
  await port.setQuestionRate(5)
  await port.setDhcpRate(6)
  assert.deepEqual([await port.questionRate(), await port.dhcpRate()], [5, 6])
  assert.deepEqual([await port.vni(), await port.vlan(), await port.antispoof()], [5001, 4095, false])
  assert.deepEqual((await port.addresses()).toSorted(), ['10.0.0.1', '2001:db8::1'])
  await port.setAddresses([])
  assert.deepEqual(await port.addresses(), [])
  await assert.rejects(port.setVlan(4096), code('EINVAL', /12 bits/))
  await using hostif = await host.vpc.openHostif(generateId('hostif'), create)
  await port.connect(hostif.id)
  assert.equal(await port.peer(), hostif.id)
  assert.equal((await hostif.describe()).port, port.id)
  await hostif.setGuest(null)
  assert.equal(await hostif.guest(), null)
  await assert.rejects(hostif.setGuest({ netns: 'vpc-no-guest' }), code('ENOENT', /no network namespace/))
  await assert.rejects(port.connect(hostif.id), code('EISCONN'))
  await assert.rejects(port.connect(generateId('vmnic')), code('ENOENT'))
  await assert.rejects(port.connect(generateId('vpcmux')), code('EOPNOTSUPP'))
  await port.disconnect(hostif.id)
  await port.disconnect(hostif.id)
  await port.disconnect()
})

test('a vmnic', async () => {
  await using vmnic = await host.vpc.openVmnic(generateId('vmnic'), create)
  assert.equal(await vmnic.queues(), 1)
  assert.equal(await vmnic.openQueues(), 0)
  await vmnic.setQueues(4)
  assert.equal(await vmnic.queues(), 4)
  await assert.rejects(vmnic.setQueues(0), code('EINVAL'))
  await vmnic.freeze()
  await assert.rejects(vmnic.setQueues(2), code('EBUSY', /frozen/))
  await assert.rejects(vmnic.setMtu(1300), code('EBUSY', /frozen/))
  await vmnic.unfreeze()
  await vmnic.setQueues(2)
  assert.deepEqual(await vmnic.owner(), { user: null, group: 0 })
  await vmnic.setOwner({ user: 1000, group: 1001 })
  assert.deepEqual(await vmnic.owner(), { user: 1000, group: 1001 })
  await assert.rejects(vmnic.setOwner({ user: null, group: 0 }), code('EOPNOTSUPP'))
  const nothing = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, txDrops: 0 }
  assert.deepEqual(
    await vmnic.queueStats(),
    [0, 1].map((queue) => ({ queue, ...nothing })),
  )
})

test('an ethlink and a mux', async () => {
  await using ethlink = await host.vpc.openEthlink(generateId('ethlink'), create)
  await using mux = await host.vpc.openMux(generateId('vpcmux'), create)
  assert.deepEqual([await ethlink.l2Name(), await ethlink.vtag()], [null, 0])
  await assert.rejects(ethlink.connect('nosuch0'), code('ENODEV'))
  await ethlink.connect('wan')
  await ethlink.setVtag(7)
  assert.deepEqual([await ethlink.l2Name(), await ethlink.vtag()], ['wan', 7])
  assert.deepEqual([await mux.underlay(), await mux.listenAddress(), await mux.entries()], [null, null, []])
  await mux.connect(ethlink.id)
  assert.equal(await mux.underlay(), ethlink.id)
  await mux.connect(ethlink.id)
  await assert.rejects(mux.listen('192.0.2.99:4789'), code('EADDRNOTAVAIL', /192\.0\.2\.1/))
  await mux.listen('192.0.2.1:4790')
  assert.equal(await mux.listenAddress(), '192.0.2.1:4790')
  assert.equal(await mux.direct(), 'auto')
  await mux.setDirect('off')
  assert.equal(await mux.direct(), 'off')
  assert.equal(await mux.exclusive(), true)
  await mux.setExclusive(false)
  assert.equal(await mux.exclusive(), false)
  await mux.setFarVteps(['192.0.2.9 mtu=1400'])
  assert.deepEqual(await mux.farVteps(), ['192.0.2.9 mtu=1400'])
  await mux.setFarVteps([])
  assert.deepEqual((await mux.describe()).objections, { out: [], in: [] })
  const entries = [
    { vni: 9, mac: '00:00:00:00:00:00', vtep: '192.0.2.2' },
    { vni: 9, mac: '02:00:00:00:00:01', vtep: '192.0.2.2' },
    { vni: 9, mac: '02:00:00:00:00:02', vtep: '192.0.2.3:8472' },
  ]
  await mux.setEntries(entries)
  await mux.setEntries([])
  assert.deepEqual(
    (await mux.entries()).toSorted((a, b) => (a.mac < b.mac ? -1 : 1)),
    entries,
  )
  await assert.rejects(mux.setEntries([{ vni: 9, mac: '02:00:00:00:00:03', vtep: '2001:db8::1' }]), code('EAFNOSUPPORT'))
  await mux.deleteEntries([{ vni: 9, mac: '02:00:00:00:00:01' }, entries[0]!])
  assert.deepEqual(await mux.entries(), [entries[2]])
  const forwarding = { vni: 9, mac: '02:00:00:00:00:05', vtep: '192.0.2.7', forward: true }
  await mux.setEntries([forwarding])
  assert.deepEqual(
    (await mux.entriesWithFlags()).find(({ mac }) => mac === forwarding.mac),
    { ...forwarding, used: false },
  )
  await mux.clearUsed()
  await mux.deleteEntries([forwarding])
  await mux.disconnect()
  await mux.disconnect()
  await ethlink.disconnect()
  await ethlink.disconnect()
})

test('a management handle', async () => {
  await using mgmt = await host.vpc.mgmt()
  assert.equal(await mgmt.count('any'), 0)
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using port = await host.vpc.openPort(generateId('vpcp'), create)
  assert.deepEqual([await mgmt.count('any'), await mgmt.count('vpcsw'), await mgmt.count('vmnic')], [2, 1, 0])
  assert.deepEqual(await mgmt.headers('vpcsw'), [{ type: 'vpcsw', id: sw.id, unit: 'vpcsw0' }])
  assert.equal((await mgmt.headers('any')).length, 2)
  assert.deepEqual(
    (await mgmt.describeAll('vpcp')).map(({ id }) => id),
    [port.id],
  )
  assert.equal((await mgmt.describeAll()).length, 2)
  assert.ok(Array.isArray(await mgmt.stats()))
  assert.ok((await mgmt.probe()).length > 5)
  assert.deepEqual(await mgmt.troubles(), [])
  assert.equal((await mgmt.info()).objects, 2)
  await assert.rejects(mgmt.mac(), code('EOPNOTSUPP'))
  const { vpc } = host
  await assert.rejects(vpc.open(generateId('meta'), 'meta', create), code('EOPNOTSUPP'))
})

test('a subnet and a router', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using subnet = await host.vpc.openSubnet(generateId('subnet'), create)
  await using router = await host.vpc.openRouter(generateId('vpcrtr'), create)
  assert.deepEqual([await subnet.switch(), await subnet.router()], [null, null])
  await assert.rejects(subnet.setRouter(router.id), code('EINVAL', /it is in no switch; put it into one first/))
  await assert.rejects(subnet.setSwitch(sw.id), code('EINVAL', /VNI 0 is not encapsulated/))
  await subnet.setVni(41)
  await subnet.setPrefix4('10.1.0.0/24')
  await subnet.setPrefix6('fd01::/64')
  await subnet.setGateway4('10.1.0.254')
  await subnet.setGateway6('fd01::fe')
  await subnet.setMaxPacket(1400)
  const values = [subnet.vni(), subnet.prefix4(), subnet.prefix6(), subnet.gateway4(), subnet.gateway6(), subnet.maxPacket()]
  assert.deepEqual(await Promise.all(values), [41, '10.1.0.0/24', 'fd01::/64', '10.1.0.254', 'fd01::fe', 1400])
  await setGuestServices(subnet)
  await assert.rejects(subnet.setPrefix4('10.1.0.1/24'), code('EINVAL', /host bits; the network is 10.1.0.0\/24/))
  await subnet.setSwitch(sw.id)
  await subnet.setRouter(router.id)
  assert.deepEqual([await subnet.switch(), await subnet.router()], [sw.id, router.id])
  await router.addRoutes(['10.9.0.0/16 via 10.1.0.9', '10.8.0.0/16 blackhole table 3'])
  await router.addRoutes(['10.9.0.0/16 via 10.1.0.8'])
  assert.deepEqual(await router.listRoutes(), ['10.9.0.0/16 via 10.1.0.8', '10.8.0.0/16 blackhole table 3'])
  await assert.rejects(router.deleteRoutes(['10.8.0.0/16 blackhole']), code('ENOENT', /no route for 10.8.0.0\/16 in table 0/))
  await router.deleteRoutes(['10.9.0.0/16 blackhole'])
  await router.setRoutes(['::/0 unreachable'])
  assert.deepEqual(await router.routes(), ['::/0 unreachable'])
  assert.deepEqual((await router.describe()).subnets, [subnet.id])
  await subnet.setRouter(null)
  await subnet.setSwitch(null)
  assert.deepEqual((await router.describe()).subnets, [])
})

test('a NAT', () => useNat(host.vpc, code))

test('a security group and an address set', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using group = await host.vpc.openGroup(generateId('group'), create)
  await using set = await host.vpc.openAddressSet(generateId('set'), create)
  for (const each of [group, set]) {
    await each.setSwitch(sw.id)
    await each.setName('web')
    assert.deepEqual([await each.switch(), await each.name()], [sw.id, 'web'])
  }
  await set.setNetworks(['192.0.2.0/24'])
  await set.addNetworks(['198.51.100.7', '192.0.2.0/24'])
  assert.deepEqual(await set.networks(), ['192.0.2.0/24', '198.51.100.7/32'])
  await set.deleteNetworks(['192.0.2.0/24'])
  await group.setOnRevoke('drain')
  await group.setTcpIdle(300)
  assert.deepEqual([await group.onRevoke(), await group.tcpIdle()], ['drain', 300])
  await group.setMembers(['10.0.0.5'])
  await group.addMembers(['10.0.0.6', 'fd00::6'])
  await group.deleteMembers(['10.0.0.5'])
  assert.deepEqual(await group.members(), ['10.0.0.6', 'fd00::6'])
  const rule = { id: '10', direction: 'in', protocol: 'tcp', ports: ['22'], peers: [set.id] } as const
  await group.setRules([rule])
  await group.addRules([{ id: '20', direction: 'out' }])
  await group.deleteRules(['20'])
  assert.deepEqual(await group.rules(), [rule])
  assert.deepEqual(await group.ruleCounters(), [{ rule: '10', flows: 0 }])
  const portId = generateId('vpcp')
  await sw.addPort(portId)
  await using port = await host.vpc.openPort(portId, { write: true })
  await port.setGroups([group.id])
  const guest = { hostname: 'web', sshKeys: 'ssh-ed25519 AAAA alice', userData: '#cloud-config\n' }
  await Promise.all([port.setHostname(guest.hostname), port.setSshKeys(guest.sshKeys), port.setUserData(guest.userData)])
  assert.deepEqual({ hostname: await port.hostname(), sshKeys: await port.sshKeys(), userData: await port.userData() }, guest)
  await port.setMaxFlows(100)
  await port.setStateful(false)
  assert.deepEqual([await port.groups(), await port.maxFlows(), await port.stateful()], [[group.id], 100, false])
  await using mgmt = await host.vpc.mgmt()
  await useMovedUnits(host)
  assert.deepEqual(await mgmt.flows(), [])
  assert.deepEqual([await mgmt.activeFlows(0), await mgmt.activeFlows(10)], [[], []])
  const { young, ports, rules } = await mgmt.usage()
  assert.deepEqual([young.flows, ports, rules], [0, [{ id: portId, flows: 0, maxFlows: 100 }], [{ group: group.id, rule: '10', flows: 0 }]])
  assert.ok(young.maxFlows > 1000)
  assert.deepEqual(await mgmt.flows(portId), [])
  await assert.rejects(mgmt.flows(generateId('vpcp')), code('ENOENT'))
  await assert.rejects(mgmt.traceArrival('0g'), code('EINVAL', /hexadecimal/))
  await assert.rejects(mgmt.traceArrival('00'.repeat(60)), code('EINVAL', /VXLAN/))
  await assert.rejects(mgmt.traceArrival('00'.repeat(4000)), code('EINVAL', /3500/))
  await using traced = await host.vpc.openPort(portId)
  await assert.rejects(traced.trace({ frame: '00'.repeat(60) }), code('ENOTCONN', /vpc switch port connect/))
})

test('drops and misses arrive as they happen', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using hostif = await host.vpc.openHostif(generateId('hostif'), create)
  const portId = generateId('vpcp')
  await sw.setVni(31)
  await sw.addPort(portId)
  await using port = await host.vpc.openPort(portId, { write: true })
  await port.connect(hostif.id)
  const guest = host.guest('asker', (await hostif.describe()).device, '10.0.0.1/24')
  await using mgmt = await host.vpc.mgmt()
  const changes = mgmt.followChanges()
  assert.equal((await changes.next()).value!.reset, true)
  await sw.setFloodUnknown(true)
  await sw.setFloodUnknown(false)
  const { revision, changes: seen } = (await changes.next()).value!
  assert.deepEqual(
    seen.map(({ action, id }) => [action, id]),
    [['change', sw.id]],
  )
  await using again = await host.vpc.mgmt()
  const since = again.followChanges({ from: revision })
  assert.deepEqual([(await since.next()).value!.changes.length, (await changes.next()).value!.changes.length], [1, 1])
  const misses = sw.listen()
  const drops = mgmt.followDrops()
  const [miss, drop] = [misses.next(), drops.next()]
  await mgmt.count('any')
  await sw.mac()
  assert.throws(() => guest('ping', '-c', '1', '-W', '1', '10.0.0.77'))
  const question = (await miss).value!
  assert.deepEqual([question.question, question.vni, question.target, question.address], ['arp', 31, '10.0.0.77', '10.0.0.1'])
  const dropped = (await drop).value!
  assert.equal(dropped.vni, 31)
  assert.ok(dropped.reason.length > 3 && dropped.port !== null)
})

test('no operation was left out', () => {
  const all = Object.entries(operations).filter(([, { type }]) => type === 'meta' || type === 'mgmt' || isUnitType(type))
  const names = all.map(([name]) => name as OperationName)
  assert.deepEqual(
    names.filter((name) => !used.has(name) && !elsewhere.has(name)),
    [],
  )
})
