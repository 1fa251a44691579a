/**
 * Ours, with everything on that a user gets by default: a vpcd per host, a guest's hostif on a port with its address.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateId, parseId, type Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { RuleJson } from '#abi/group-rule.ts'
import type { Port } from '#client/port.ts'
import { Vpc } from '#client/vpc.ts'
import type { Bed, Namespace } from '../bed.ts'
import { entryMacs, plan, type Conditions, type MachinePath, type Path, type Peer } from '../peer.ts'
import { twoHosts, underlayDevice } from '../topology.ts'
import { rules } from './rules.ts'

const program = fileURLToPath(new URL('../../bin/vpc.mjs', import.meta.url))

/** An id of a type whose MAC is given. */
function idWithMac(type: UnitType, mac: string): Id {
  const parsed = parseId(generateId(type).slice(0, 24) + mac.replaceAll(':', ''), type)
  if (!parsed.ok) throw new Error(`no id for ${type} ${mac}`)
  return parsed.id
}

/** Start a host's vpcd with directories of its own. */
export async function startVpcd(bed: Bed, host: Namespace, objects?: string): Promise<Vpc> {
  const directory = join(bed.directory, host)
  const bpffs = join(directory, 'bpffs')
  mkdirSync(bpffs, { recursive: true })
  execFileSync('mount', ['-t', 'bpf', 'bpf', bpffs])
  bed.onDispose(() => void execFileSync('umount', [bpffs]))
  const args = ['daemon', '--run-dir', join(directory, 'run'), '--state-dir', join(directory, 'state'), '--bpffs', join(bpffs, 'vpc')]
  if (objects !== undefined) args.push('--object-dir', objects)
  const daemon = await bed.serve(host, [process.execPath, program, ...args], /"ready"|INFO +ready|ready .*socket/)
  bed.onDispose(() => daemon[Symbol.asyncDispose]())
  return new Vpc({ socketPath: join(directory, 'run', 'vpcd.sock') })
}

/** Switch, port and hostif of one guest; the hostif moves into the guest's namespace. */
export async function plugGuest(
  bed: Bed,
  vpc: Vpc,
  switchId: Id,
  host: Namespace,
  index: 0 | 1,
  conditions: Conditions,
): Promise<Namespace> {
  const { address, mac } = plan.guests[index]
  const { mtu, groups = false } = conditions
  const hostifId = idWithMac('hostif', mac)
  const portId = generateId('vpcp')
  await using sw = await vpc.openSwitch(switchId, { write: true })
  await using hostif = await vpc.openHostif(hostifId, { create: true })
  await hostif.setMtu(mtu)
  await hostif.commit()
  await sw.addPort(portId)
  await using port = await vpc.openPort(portId, { write: true })
  await port.setAddresses([address])
  await port.connect(hostifId)
  if (groups) await guard(vpc, switchId, port, rules)
  await port.commit()
  const { device } = await hostif.describe()
  const namespace = bed.namespace(`g${index + 1}`)
  bed.ip([`link set ${device} netns ${namespace} name eth0`], host)
  bed.ip([`addr add ${address}/24 dev eth0`, 'link set eth0 up'], namespace)
  return namespace
}

/** Put a guest's port into a security group. */
async function guard(vpc: Vpc, switchId: Id, port: Port, rules: readonly RuleJson[]): Promise<void> {
  const id = generateId('group')
  await using group = await vpc.openGroup(id, { create: true, write: true })
  await group.setSwitch(switchId)
  await group.addRules(rules)
  await group.commit()
  await port.setGroups([id])
}

/** A switch with the VNI of the plan. */
export async function makeSwitch(vpc: Vpc): Promise<Id> {
  const id = generateId('vpcsw')
  await using sw = await vpc.openSwitch(id, { create: true })
  await sw.setVni(plan.vni)
  await sw.commit()
  return id
}

async function setNeighbours(vpc: Vpc, switchId: Id): Promise<void> {
  await using sw = await vpc.openSwitch(switchId, { write: true })
  await sw.setNeighbours(plan.guests.map(({ address, mac }) => ({ vni: plan.vni, address, mac })))
}

/** The mux of one host: towards the other, and as many entries more as the conditions ask for. */
async function makeMux(vpc: Vpc, index: 0 | 1, entries: number): Promise<void> {
  const ethlinkId = generateId('ethlink')
  await using ethlink = await vpc.openEthlink(ethlinkId, { create: true })
  await ethlink.connect(underlayDevice)
  await ethlink.commit()
  await using mux = await vpc.openMux(generateId('vpcmux'), { create: true })
  await mux.connect(ethlinkId)
  await mux.listen(`${plan.hosts[index]}:4789`)
  await mux.commit()
  await mux.setEntries(entryMacs(index, entries).map((mac) => ({ vni: plan.vni, mac, vtep: plan.hosts[1 - index]! })))
}

async function sameHost(bed: Bed, conditions: Conditions): Promise<Path> {
  const host = bed.namespace('h1')
  const vpc = await startVpcd(bed, host)
  const switchId = await makeSwitch(vpc)
  const client = await plugGuest(bed, vpc, switchId, host, 0, conditions)
  const server = await plugGuest(bed, vpc, switchId, host, 1, conditions)
  await setNeighbours(vpc, switchId)
  return { client, server, address: plan.guests[1].address }
}

async function crossHost(bed: Bed, conditions: Conditions, objects?: string): Promise<Path> {
  const guests: Namespace[] = []
  for (const [i, host] of twoHosts(bed, conditions).entries()) {
    const index = i as 0 | 1
    const vpc = await startVpcd(bed, host, objects)
    await makeMux(vpc, index, conditions.entries)
    const switchId = await makeSwitch(vpc)
    guests.push(await plugGuest(bed, vpc, switchId, host, index, conditions))
    await setNeighbours(vpc, switchId)
  }
  return { client: guests[0]!, server: guests[1]!, address: plan.guests[1].address }
}

/** A vmnic instead of the second guest's hostif. */
async function plugMachine(vpc: Vpc, switchId: Id, mtu: number): Promise<string> {
  const { address, mac } = plan.guests[1]
  const vmnicId = idWithMac('vmnic', mac)
  const portId = generateId('vpcp')
  await using sw = await vpc.openSwitch(switchId, { write: true })
  await using vmnic = await vpc.openVmnic(vmnicId, { create: true })
  await vmnic.setQueues(2)
  await vmnic.setMtu(mtu)
  await vmnic.commit()
  await sw.addPort(portId)
  await using port = await vpc.openPort(portId, { write: true })
  await port.setAddresses([address])
  await port.connect(vmnicId)
  await port.commit()
  return (await vmnic.describe()).device
}

async function toMachine(bed: Bed, conditions: Conditions): Promise<MachinePath> {
  const hosts = twoHosts(bed, conditions)
  let client = ''
  let tap = ''
  for (const [i, host] of hosts.entries()) {
    const vpc = await startVpcd(bed, host)
    await makeMux(vpc, i as 0 | 1, conditions.entries)
    const switchId = await makeSwitch(vpc)
    if (i === 0) client = await plugGuest(bed, vpc, switchId, host, 0, conditions)
    else tap = await plugMachine(vpc, switchId, conditions.mtu)
    await setNeighbours(vpc, switchId)
  }
  return { client, host: hosts[1], tap, address: plan.guests[1].address }
}

export const vpc: Peer = {
  name: 'vpc',
  scopes: ['cross-host', 'same-host'],
  hasEntries: true,
  upSeconds: 1,
  entrySeconds: 1e-5,
  up: (bed, conditions) => (conditions.scope === 'same-host' ? sameHost(bed, conditions) : crossHost(bed, conditions)),
  toMachine,
}

/** Ours with other programs, across hosts. */
export const vpcWith = (name: string, objects: string): Peer => ({
  name,
  scopes: ['cross-host'],
  hasEntries: true,
  upSeconds: 1,
  up: (bed, conditions) => crossHost(bed, conditions, objects),
})
