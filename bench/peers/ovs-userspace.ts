/** Open vSwitch with its userspace datapath: one switchd per host, a vxlan port, guests on system interfaces. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed, Namespace } from '../bed.ts'
import { plan, type Peer } from '../peer.ts'
import { guest, twoHosts, underlayDevice } from '../topology.ts'

const schema = '/usr/share/openvswitch/vswitch.ovsschema'

/** Start a database and a switchd for a host and give a function that runs ovs-vsctl there. */
async function startOvs(bed: Bed, host: Namespace): Promise<(...args: string[]) => void> {
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
  return vsctl
}

/** The underlay's address moves to the bridge that owns the device: the userspace tunnel needs to route there itself. */
function underlayBridge(bed: Bed, host: Namespace, vsctl: (...args: string[]) => void, address: string): void {
  vsctl('add-br', 'br-phy', '--', 'set', 'bridge', 'br-phy', 'datapath_type=netdev', '--', 'add-port', 'br-phy', underlayDevice)
  bed.ip([`addr flush dev ${underlayDevice}`, `addr add ${address}/24 dev br-phy`, 'link set br-phy up'], host)
}

export const ovsUserspace: Peer = {
  name: 'ovs-userspace',
  scopes: ['cross-host'],
  hasEntries: false,
  missing: () => (spawnSync('ovs-vswitchd', ['--version']).status === 0 ? undefined : 'openvswitch-switch is not installed'),
  async up(bed, conditions) {
    const hosts = twoHosts(bed, conditions)
    const guests: Namespace[] = []
    for (const i of [0, 1] as const) {
      guests.push(guest(bed, `g${i + 1}`, hosts[i], 'p1', i, conditions.mtu))
      const vsctl = await startOvs(bed, hosts[i])
      underlayBridge(bed, hosts[i], vsctl, plan.hosts[i])
      vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev', '--', 'add-port', 'br-int', 'p1')
      const options = [`options:remote_ip=${plan.hosts[1 - i]}`, `options:key=${plan.vni}`, 'options:dst_port=4789']
      vsctl('add-port', 'br-int', 'vx0', '--', 'set', 'interface', 'vx0', 'type=vxlan', ...options)
      // Without a kernel datapath nobody completes the checksums that a veth leaves to its peer.
      bed.run(guests[i]!, ['ethtool', '-K', 'eth0', 'tx', 'off'])
    }
    return { client: guests[0]!, server: guests[1]!, address: plan.guests[1].address }
  },
}
