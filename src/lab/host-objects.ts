/**
 * The objects of one host, made through its vpcd: underlay, mux, a switch for each customer, a port and hostif for each
 * guest.
 */
import type { Vpc } from '#client/vpc.ts'
import { formatIp } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { underlayDevice } from './names.ts'
import type { HostPlan, SwitchPlan, UplinkPlan } from './plan-host.ts'
import type { GuestPlan } from './plan-guest.ts'

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

async function makeGuest(vpc: Vpc, { portId, hostifId, vni, addresses }: GuestPlan): Promise<GuestDevice> {
  await using hostif = await vpc.openHostif(hostifId, { create: true })
  await hostif.commit()
  await using port = await vpc.openPort(portId, { write: true })
  await port.setVni(vni)
  await port.setAddresses(addresses.map(({ address }) => formatIp(address)))
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
