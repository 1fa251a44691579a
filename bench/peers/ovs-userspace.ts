/**
 * Open vSwitch with its userspace datapath: one switchd per host, a vxlan port, guests on system interfaces. Forwarding
 * entries are flows.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed, Namespace } from '../bed.ts'
import { entryMacs, plan, type Conditions, type MachinePath, type Path, type Peer } from '../peer.ts'
import { guest, twoHosts, underlayDevice } from '../topology.ts'
import { network, others } from './rules.ts'

const schema = '/usr/share/openvswitch/vswitch.ovsschema'

/** A host's Open vSwitch. */
interface Ovs {
  readonly directory: string
  vsctl(...args: string[]): void
}

/** Start a database and a switchd for a host. */
async function startOvs(bed: Bed, host: Namespace): Promise<Ovs> {
  const directory = join(bed.directory, host)
  mkdirSync(directory)
  const database = join(directory, 'conf.db')
  const socket = `unix:${join(directory, 'db.sock')}`
  const env = { ...process.env, OVS_RUNDIR: directory, OVS_LOGDIR: directory, OVS_DBDIR: directory }
  bed.run(host, ['ovsdb-tool', 'create', database, schema])
  const quiet = ['-vsyslog:off', '-vfile:off', '-vconsole:info']
  await bed.serve(host, ['ovsdb-server', database, `--remote=p${socket}`, ...quiet], /ovsdb-server \(Open vSwitch\)/, env)
  const vsctl = (...args: string[]): void => void bed.run(host, ['ovs-vsctl', `--db=${socket}`, '--timeout=20', ...args])
  vsctl('--no-wait', 'init')
  await bed.serve(host, ['ovs-vswitchd', socket, ...quiet], /ovs-vswitchd \(Open vSwitch\)/, env)
  return { directory, vsctl }
}

/**
 * The underlay's address moves to the bridge that owns the device: the userspace tunnel needs to route there itself.
 */
function underlayBridge(bed: Bed, host: Namespace, { vsctl }: Ovs, address: string): void {
  vsctl('add-br', 'br-phy', '--', 'set', 'bridge', 'br-phy', 'datapath_type=netdev', '--', 'add-port', 'br-phy', underlayDevice)
  bed.ip([`addr flush dev ${underlayDevice}`, `addr add ${address}/24 dev br-phy`, 'link set br-phy up'], host)
}

/**
 * A flow for each MAC behind the other host, as a controller would set them, and a learning switch's behaviour for the
 * rest.
 */
function addFlows(bed: Bed, host: Namespace, { directory }: Ovs, index: 0 | 1, { entries, groups = false }: Conditions): void {
  const table = groups ? 'table=2,' : ''
  const flows = entryMacs(index, entries).map((mac) => `${table}priority=100,dl_dst=${mac},actions=output:vx0`)
  const file = join(directory, 'flows')
  writeFileSync(file, `${[...(groups ? ruleFlows(index) : []), ...flows, `${table}priority=0,actions=NORMAL`].join('\n')}\n`)
  bed.run(host, ['ovs-ofctl', '--bundle', 'replace-flows', `unix:${join(directory, 'br-int.mgmt')}`, file])
}

/** The rules of rules.ts by connection tracking: table 1 decides, table 2 forwards. */
function ruleFlows(index: 0 | 1): string[] {
  const guest = plan.guests[index].address
  const begin = 'actions=ct(commit),resubmit(,2)'
  const rules = Array.from(
    { length: others },
    (_, i) => `table=1,priority=50,ct_state=+new+trk,tcp,nw_src=192.0.2.${i},tp_dst=${20_001 + i},${begin}`,
  )
  const inner = ['tcp', 'udp', 'icmp'].map(
    (protocol) => `table=1,priority=40,ct_state=+new+trk,${protocol},nw_src=${network},nw_dst=${guest},${begin}`,
  )
  return [
    'table=0,priority=10,ip,actions=ct(table=1)',
    'table=0,priority=0,actions=resubmit(,2)',
    'table=1,priority=100,ct_state=+est+trk,ip,actions=resubmit(,2)',
    'table=1,priority=100,ct_state=+rel+trk,ip,actions=resubmit(,2)',
    'table=1,priority=90,ct_state=+inv+trk,ip,actions=drop',
    `table=1,priority=60,ct_state=+new+trk,ip,nw_src=${guest},${begin}`,
    ...rules,
    ...inner,
    'table=1,priority=0,actions=drop',
  ]
}

/** The switch of one host, to which `device` belongs. */
async function makeSwitch(bed: Bed, host: Namespace, index: 0 | 1, device: string, conditions: Conditions): Promise<void> {
  const ovs = await startOvs(bed, host)
  underlayBridge(bed, host, ovs, plan.hosts[index])
  ovs.vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev', '--', 'add-port', 'br-int', device)
  const options = [`options:remote_ip=${plan.hosts[1 - index]}`, `options:key=${plan.vni}`, 'options:dst_port=4789']
  ovs.vsctl('add-port', 'br-int', 'vx0', '--', 'set', 'interface', 'vx0', 'type=vxlan', ...options)
  addFlows(bed, host, ovs, index, conditions)
}

async function plugGuest(bed: Bed, host: Namespace, index: 0 | 1, conditions: Conditions): Promise<Namespace> {
  const namespace = guest(bed, `g${index + 1}`, host, 'p1', index, conditions.mtu)
  await makeSwitch(bed, host, index, 'p1', conditions)
  // Without a kernel datapath nothing completes the checksums that a veth leaves to its peer.
  bed.run(namespace, ['ethtool', '-K', 'eth0', 'tx', 'off'])
  return namespace
}

async function up(bed: Bed, conditions: Conditions): Promise<Path> {
  const hosts = twoHosts(bed, conditions)
  const client = await plugGuest(bed, hosts[0], 0, conditions)
  const server = await plugGuest(bed, hosts[1], 1, conditions)
  return { client, server, address: plan.guests[1].address }
}

async function toMachine(bed: Bed, conditions: Conditions): Promise<MachinePath> {
  const [near, host] = twoHosts(bed, conditions)
  const client = await plugGuest(bed, near, 0, conditions)
  bed.ip(['tuntap add tap0 mode tap multi_queue vnet_hdr', `link set tap0 mtu ${conditions.mtu} up`], host)
  await makeSwitch(bed, host, 1, 'tap0', conditions)
  // The same towards a machine: it must finish its packets itself.
  return { client, host, tap: 'tap0', address: plan.guests[1].address, card: 'csum=off,gso=off,host_tso4=off,host_tso6=off,host_ufo=off' }
}

export const ovsUserspace: Peer = {
  name: 'ovs-userspace',
  scopes: ['cross-host'],
  hasEntries: true,
  upSeconds: 1,
  entrySeconds: 1e-5,
  missing: () => (spawnSync('ovs-vswitchd', ['--version']).status === 0 ? undefined : 'openvswitch-switch is not installed'),
  up,
  toMachine,
}
