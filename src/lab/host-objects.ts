/**
 * The objects of one host, made through its vpcd: underlay, mux, and for each customer a switch with its subnets and
 * groups; a port and hostif for each guest.
 */
import type { Id } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'
import { formatIp, isIpv4 } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { underlayDevice } from './names.ts'
import type { HostPlan, SwitchPlan, UplinkPlan } from './plan-host.ts'
import type { GuestPlan } from './plan-guest.ts'
import type { NatPlan } from './plan-nat.ts'

/** The device of a guest's hostif: what it is called on the host, and the MTU that follows from the underlay. */
export interface GuestDevice {
  readonly device: string
  readonly mtuBytes: number
}

/** Make all objects of a host and commit them. Gives the guests' devices by guest. */
export async function makeHostObjects(vpc: Vpc, host: HostPlan): Promise<Map<string, GuestDevice>> {
  await makeUnderlay(vpc, host)
  const devices = new Map<string, GuestDevice>()
  for (const plan of host.switches) await makeSwitch(vpc, plan, devices)
  if (host.entries.length > 0) await setEntries(vpc, host)
  return devices
}

async function makeUnderlay(vpc: Vpc, host: HostPlan): Promise<void> {
  await using ethlink = await vpc.openEthlink(host.ethlinkId, { create: true })
  await ethlink.connect(underlayDevice)
  await ethlink.commit()
  await using mux = await vpc.openMux(host.muxId, { create: true })
  await mux.connect(host.ethlinkId)
  await mux.listen(host.listen)
  await mux.commit()
}

async function setEntries(vpc: Vpc, { muxId, entries }: HostPlan): Promise<void> {
  await using mux = await vpc.openMux(muxId, { write: true })
  await mux.setEntries(entries.map(({ vni, mac, vtep }) => ({ vni, mac: formatMac(mac), vtep: formatIp(vtep) })))
}

async function makeSwitch(vpc: Vpc, plan: SwitchPlan, devices: Map<string, GuestDevice>): Promise<void> {
  await using sw = await vpc.openSwitch(plan.id, { create: true })
  await sw.setVni(plan.vni)
  await sw.commit()
  await makeSubnets(vpc, plan)
  if (plan.nat !== undefined) await makeNat(vpc, plan.routerId!, plan.nat)
  await makeGroups(vpc, plan)
  for (const guest of plan.guests) {
    await sw.addPort(guest.portId)
    devices.set(guest.name, await makeGuest(vpc, guest))
  }
  if (plan.uplink !== undefined) {
    await sw.addPort(plan.uplink.portId)
    await makeUplink(vpc, plan.uplink)
    await sw.setUplink(plan.uplink.portId)
  }
  await sw.setNeighbours(plan.neighbours.map(({ vni, address, mac }) => ({ vni, address: formatIp(address), mac: formatMac(mac) })))
}

async function makeSubnets(vpc: Vpc, { id: switchId, routerId, subnets }: SwitchPlan): Promise<void> {
  if (routerId !== undefined) {
    await using router = await vpc.openRouter(routerId, { create: true })
    await router.commit()
  }
  for (const { id, vni, networks, gateways, dhcp } of subnets) {
    await using subnet = await vpc.openSubnet(id, { create: true })
    await subnet.setVni(vni)
    for (const network of networks)
      await (isIpv4(network.address) ? subnet.setPrefix4 : subnet.setPrefix6).call(subnet, formatPrefix(network))
    for (const gateway of gateways) await (isIpv4(gateway) ? subnet.setGateway4 : subnet.setGateway6).call(subnet, formatIp(gateway))
    await subnet.setSwitch(switchId)
    if (routerId !== undefined) await subnet.setRouter(routerId)
    await subnet.setDhcp(dhcp)
    await subnet.commit()
  }
}

/** The router leads outside by a route of its own. */
async function makeNat(vpc: Vpc, routerId: Id, { id, floats, shared, wire, via }: NatPlan): Promise<void> {
  await using router = await vpc.openRouter(routerId, { write: true })
  await router.setRoutes(['0.0.0.0/0 igw'])
  await using nat = await vpc.openNat(id, { create: true })
  await nat.setRouter(routerId)
  await nat.setPool([...floats.map((float) => float.split(' ')[0]!), ...shared])
  await nat.setShared(shared)
  if (wire !== undefined) {
    await makeWire(vpc, wire)
    await nat.setPrefix4(wire.prefix)
    await nat.setGateway4(wire.gateway)
    await nat.setEthlink(wire.ethlinkId)
  } else await nat.setVia(formatIp(via!))
  await nat.setFloats(floats)
  await nat.commit()
}

/** Two customers may share a wire. */
async function makeWire(vpc: Vpc, { ethlinkId, l2Name }: NonNullable<NatPlan['wire']>): Promise<void> {
  await using mgmt = await vpc.mgmt()
  if ((await mgmt.headers('ethlink')).some(({ id }) => id === ethlinkId)) return
  await using ethlink = await vpc.openEthlink(ethlinkId, { create: true })
  await ethlink.connect(l2Name)
  await ethlink.commit()
}

/** Rules name other groups, so all groups are there before the first rule. */
async function makeGroups(vpc: Vpc, { id: switchId, guests, groups }: SwitchPlan): Promise<void> {
  for (const { id, name } of groups) {
    await using group = await vpc.openGroup(id, { create: true })
    await group.setSwitch(switchId)
    await group.setName(name)
    await group.commit()
  }
  const [here] = guests.map(({ host }) => host)
  for (const { id, rules, members } of groups) {
    await using group = await vpc.openGroup(id, { write: true })
    await group.addRules(rules)
    const elsewhere = members.filter(({ host }) => host !== here)
    if (elsewhere.length > 0) await group.addMembers(elsewhere.map(({ address }) => formatIp(address)))
  }
}

async function makeGuest(vpc: Vpc, { portId, hostifId, vni, addresses, groups }: GuestPlan): Promise<GuestDevice> {
  await using hostif = await vpc.openHostif(hostifId, { create: true })
  await hostif.commit()
  await using port = await vpc.openPort(portId, { write: true })
  await port.setVni(vni)
  await port.setAddresses(addresses.map(({ address }) => formatIp(address)))
  if (groups.length > 0) await port.setGroups(groups.map(({ id }) => id))
  await port.connect(hostifId)
  await port.commit()
  const { device, mtuBytes } = await hostif.describe()
  return { device, mtuBytes }
}

async function makeUplink(vpc: Vpc, { ethlinkId, portId, l2Name, vni, vtag }: UplinkPlan): Promise<void> {
  await using ethlink = await vpc.openEthlink(ethlinkId, { create: true })
  await ethlink.connect(l2Name)
  if (vtag !== 0) await ethlink.setVtag(vtag)
  await ethlink.commit()
  await using port = await vpc.openPort(portId, { write: true })
  await port.setVni(vni)
  await port.connect(ethlinkId)
  await port.commit()
}
