/** Audits devices and interfaces: whether they are as the objects need them. */
import type { Guest } from '#abi/guest-kind.ts'
import { HandOverRefused } from '#datapath/device/hand-over.ts'
import { placeOf } from '../../type/guest.ts'
import type { AuditKind } from '#abi/audit.ts'
import { servicesAlias, servicesName, type Device } from '#datapath/device/devices.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatMac } from '#wire/mac.ts'
import type { Context } from '../../context.ts'
import { deviceName } from '../repair-device.ts'
import {
  unitName,
  type Ethlink,
  type Hostif,
  type Mirrored,
  type Model,
  type Mux,
  type Unit,
  type Vmnic,
  type VpcObject,
} from '../../store/model.ts'
import { inService, interfaceMtuBytes } from '../../type/mtu.ts'
import { deviceMtuBytes } from '../../type/mtu-follow.ts'
import { settingsPastGuards } from '../../type/mux-guards.ts'
import { shownMac } from '../../type/mirror.ts'
import { aliasOf, idOfAlias } from '../../store/alias.ts'
import { ownerOf, programAliasOf } from '../../type/unit-device.ts'
import type { Findings } from './finding.ts'

/** The owner in words, for output and comparison. */
const ownerText = ({ user, group }: { readonly user: number | null; readonly group: number | null }): string =>
  `user ${user ?? 'any'}, group ${group ?? 'any'}`

/** Compare all. */
export function auditDevices(context: Context, findings: Findings): void {
  const { model } = context
  const devices = new Map(context.devices.all().map((device) => [device.ifindex, device]))
  for (const type of ['vmnic', 'hostif', 'vpcmux'] as const)
    for (const object of model.ofType(type)) auditOwn(context, findings, object, devices)
  for (const ethlink of model.ofType('ethlink')) {
    auditTrouble(context, findings, 'interface', ethlink)
    auditInterface(findings, ethlink, devices)
  }
  for (const sw of model.ofType('vpcsw')) auditTrouble(context, findings, 'device', sw)
  for (const type of ['vpcsw', 'ethlink'] as const) for (const object of model.ofType(type)) auditMirror(findings, object, devices)
  auditServices(findings, model, devices)
  for (const device of strangeDevices(model, devices.values())) {
    findings.count('device')
    findings.strange('device', device.name, '', `alias ${device.alias}, of no object`)
  }
}

/** Devices with an alias of ours that belong to no object. */
export function strangeDevices(model: Model, devices: Iterable<Device>): Device[] {
  return [...devices].filter(({ alias, ifindex, peerIfindex }) => {
    const id = alias === undefined ? undefined : idOfAlias(alias)
    if (id === undefined) return false
    const object = model.objects.get(id)
    if (object !== undefined && 'mirror' in object) return object.mirror.ifindex !== ifindex
    if (object === undefined || !('ifindex' in object)) return true
    return object.ifindex !== ifindex && object.ifindex !== peerIfindex
  })
}

/** The veth to the services for guests. */
function auditServices(findings: Findings, { services }: Model, devices: ReadonlyMap<number, Device>): void {
  for (const { alias, ifindex, name } of devices.values())
    if (alias === servicesAlias && ifindex !== services.ifindex) findings.strange('device', name, '', `alias ${alias}, of no subnet`)
  if (services.ifindex === 0) return
  findings.count('device')
  const device = devices.get(services.ifindex)
  if (device === undefined) return findings.missing('device', servicesName, '', servicesName)
  findings.same('device', servicesName, 'alias', servicesAlias, device.alias ?? '')
  findings.same('device', servicesName, 'up', true, device.up)
}

function auditMirror(findings: Findings, object: Mirrored, devices: ReadonlyMap<number, Device>): void {
  const what = unitName(object)
  findings.count('device')
  const device = devices.get(object.mirror.ifindex)
  if (device === undefined) return findings.missing('device', what, '', what)
  findings.same('device', what, 'name', what, device.name)
  findings.same('device', what, 'alias', aliasOf(object.id), device.alias ?? '')
  findings.same('device', what, 'up', true, device.up)
  findings.same('device', what, 'mac', formatMac(shownMac(object)), formatMac(device.mac))
}

function auditOwn(context: Context, findings: Findings, object: Unit | Mux, devices: ReadonlyMap<number, Device>): void {
  const what = unitName(object)
  const name = deviceName(object)
  findings.count('device')
  auditTrouble(context, findings, 'device', object)
  const device = object.ifindex === 0 ? undefined : devices.get(object.ifindex)
  if (device === undefined) return findings.missing('device', what, '', name)
  findings.same('device', what, 'name', name, device.name)
  findings.same('device', what, 'alias', programAliasOf(object), device.alias ?? '')
  if (object.type === 'vpcmux') return auditMux(context, findings, object, device)
  findings.same('device', what, 'up', true, device.up)
  if (object.type === 'vmnic') auditVmnic(context, findings, object, device)
  else auditUnitEnd(context, findings, object, device)
}

/** Why vpcd could not bring an object into its state. */
function auditTrouble({ troubles }: Context, findings: Findings, kind: AuditKind, object: VpcObject): void {
  const reason = troubles.of(object)
  if (reason !== null) findings.different(kind, unitName(object), 'state', 'as it should be', reason)
}

function auditVmnic({ model }: Context, findings: Findings, vmnic: Vmnic, device: Device): void {
  const what = unitName(vmnic)
  findings.same('device', what, 'mac', formatMac(vmnic.mac), formatMac(device.mac))
  findings.same('device', what, 'mtu', interfaceMtuBytes(model, vmnic), device.mtuBytes)
  findings.same('device', what, 'owner', ownerText(ownerOf(vmnic)), ownerText(device.owner))
}

/**
 * The end of a hostif that its user has. After a move, its name is its user's. An end that vpcd cannot reach is not
 * compared.
 */
function auditUnitEnd({ model, devices }: Context, findings: Findings, hostif: Hostif, { peerInOtherNetns }: Device): void {
  const what = unitName(hostif)
  const end = devices.unitEnd(hostif.ifindex)
  if (end === undefined) return
  if (!peerInOtherNetns) findings.same('device', what, 'name of the unit', what, end.name)
  findings.same('device', what, 'mac', formatMac(hostif.mac), formatMac(end.mac))
  findings.same('device', what, 'mtu', interfaceMtuBytes(model, hostif), end.mtuBytes)
  if (hostif.guest !== null) findings.same('device', what, 'guest', 'as it should be', guestState(devices, hostif, hostif.guest))
}

/** Where the unit of a guest is. A namespace that is gone is a trouble of the hostif. */
function guestState(devices: Context['devices'], hostif: Hostif, guest: Guest): string {
  try {
    return devices.placeDifference(hostif.ifindex, placeOf(hostif, guest)) ?? 'as it should be'
  } catch (error) {
    if (error instanceof HandOverRefused) return error.message
    throw error
  }
}

/** Whether a mux listens on an address that the host no longer has: no packet arrives for it. */
export function listensNowhere({ devices }: Context, { listen }: Mux): boolean {
  return listen !== null && !devices.addresses().some((own) => Buffer.compare(own, listen.address) === 0)
}

function auditMux(context: Context, findings: Findings, mux: Mux, device: Device): void {
  const what = unitName(mux)
  if (listensNowhere(context, mux)) findings.missing('interface', what, 'listen address', formatEndpoint(mux.listen!))
  for (const setting of settingsPastGuards(context, mux)) findings.different('interface', what, setting, '0', '1')
  findings.same('device', what, 'mtu', deviceMtuBytes(mux), device.mtuBytes)
  findings.same('device', what, 'mac', formatMac(mux.mac), formatMac(device.mac))
  findings.same('device', what, 'udp port', mux.devicePort, device.vxlanPort ?? 0)
  findings.same('device', what, 'up', inService(mux), device.up)
}

function auditInterface(findings: Findings, ethlink: Ethlink, devices: ReadonlyMap<number, Device>): void {
  const { l2Name, ifindex, serving, deviceMtuBytes: mtuBytes } = ethlink
  if (l2Name === null) return
  const what = unitName(ethlink)
  findings.count('interface')
  const device = ifindex === 0 ? undefined : devices.get(ifindex)
  if (device === undefined) return findings.missing('interface', what, '', l2Name)
  findings.same('interface', what, 'name', l2Name, device.name)
  findings.same('interface', what, 'mtu', mtuBytes, device.mtuBytes)
  if (serving.uplink || serving.wire) findings.same('interface', what, 'promiscuous', true, device.promisc)
}
