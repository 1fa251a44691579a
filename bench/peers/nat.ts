/**
 * A guest and a server on a wire of its host, with source NAT in between: ours, beside the kernel's router with
 * nftables, and without NAT.
 */
import { generateId } from '#abi/id.ts'
import type { Bed, Namespace } from '../bed.ts'
import { plan, type Conditions, type Path, type Peer } from '../peer.ts'
import { guest } from '../topology.ts'
import { makeSwitch, plugGuest, startVpcd } from './vpc.ts'
import type { Id } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'

const wire = { network: '203.0.113.0/24', server: '203.0.113.1', host: '203.0.113.2' } as const
const gateway = '10.99.0.254'
const wireDevice = 'pub0'

/** The server's namespace, with the other end of the host's wire. */
function outside(bed: Bed, host: Namespace, mtu: number, own?: string): Namespace {
  const server = bed.namespace('out')
  bed.ip([`link add ${wireDevice} mtu ${mtu} netns ${host} type veth peer name eth0 mtu ${mtu} netns ${server}`])
  bed.ip([...(own === undefined ? [] : [`addr add ${own}/24 dev ${wireDevice}`]), `link set ${wireDevice} up`], host)
  bed.ip([`addr add ${wire.server}/24 dev eth0`, 'link set eth0 up'], server)
  return server
}

const pathOf = (bed: Bed, client: Namespace, server: Namespace): Path => {
  bed.ip([`route add default via ${gateway}`], client)
  return { client, server, address: wire.server }
}

/** A subnet of the router, with its gateway. */
async function makeSubnet(vpc: Vpc, switchId: Id, router: Id, vni: number, net: string): Promise<void> {
  await using subnet = await vpc.openSubnet(generateId('subnet'), { create: true })
  await subnet.setVni(vni)
  await subnet.setPrefix4(`${net}.0/${plan.network}`)
  await subnet.setGateway4(`${net}.254`)
  await subnet.setSwitch(switchId)
  await subnet.setRouter(router)
  await subnet.commit()
}

async function makeRouter(vpc: Vpc, routes: readonly string[]): Promise<Id> {
  await using router = await vpc.openRouter(generateId('vpcrtr'), { create: true })
  await router.setRoutes(routes)
  await router.commit()
  return router.id
}

async function ours(bed: Bed, conditions: Conditions): Promise<Path> {
  const host = bed.namespace('h1')
  const server = outside(bed, host, conditions.mtu)
  const vpc = await startVpcd(bed, host)
  const switchId = await makeSwitch(vpc)
  const router = await makeRouter(vpc, ['0.0.0.0/0 igw'])
  await makeSubnet(vpc, switchId, router, plan.vni, '10.99.0')
  await using ethlink = await vpc.openEthlink(generateId('ethlink'), { create: true })
  await ethlink.connect(wireDevice)
  await using nat = await vpc.openNat(generateId('vpcnat'), { create: true })
  await nat.setRouter(router)
  await nat.setPool([wire.network])
  await nat.setPrefix4(wire.network)
  await nat.setEthlink(ethlink.id)
  await nat.setShared([wire.host])
  for (const object of [ethlink, nat]) await object.commit()
  return pathOf(bed, await plugGuest(bed, vpc, switchId, host, 0, conditions), server)
}

/** The server is a guest of another subnet, which our router joins. */
async function oursRouted(bed: Bed, conditions: Conditions): Promise<Path> {
  const [host, server] = [bed.namespace('h1'), bed.namespace('out')]
  const [vni, net] = [plan.vni + 1, '10.98.0']
  const vpc = await startVpcd(bed, host)
  const switchId = await makeSwitch(vpc)
  const router = await makeRouter(vpc, [])
  await makeSubnet(vpc, switchId, router, plan.vni, '10.99.0')
  await makeSubnet(vpc, switchId, router, vni, net)
  await using hostif = await vpc.openHostif(generateId('hostif'), { create: true })
  await hostif.setMtu(conditions.mtu)
  await hostif.commit()
  await using sw = await vpc.openSwitch(switchId, { write: true })
  await using port = await vpc.openPort(await addPort(sw), { write: true })
  await port.setVni(vni)
  await port.setAddresses([`${net}.1`])
  await port.connect(hostif.id)
  await port.commit()
  const { device } = await hostif.describe()
  bed.ip([`link set ${device} netns ${server} name eth0`], host)
  bed.ip([`addr add ${net}.1/${plan.network} dev eth0`, 'link set eth0 up', `route add default via ${net}.254`], server)
  return { ...pathOf(bed, await plugGuest(bed, vpc, switchId, host, 0, conditions), server), address: `${net}.1` }
}

async function addPort(sw: { addPort(id: Id): Promise<unknown> }): Promise<Id> {
  const id = generateId('vpcp')
  await sw.addPort(id)
  return id
}

/** The kernel's router; `ruleset`: of nftables. */
const kernel = (name: string, ruleset: string): Peer => ({
  name,
  scopes: ['same-host'],
  hasEntries: false,
  upSeconds: 0.5,
  async up(bed, { mtu }) {
    const host = bed.namespace('h1')
    const server = outside(bed, host, mtu, wire.host)
    const client = guest(bed, 'g1', host, 'v0', 0, mtu)
    bed.ip([`addr add ${gateway}/${plan.network} dev v0`], host)
    bed.run(host, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    if (ruleset !== '') bed.run(host, ['nft', ruleset])
    bed.ip([`route add 10.99.0.0/${plan.network} via ${wire.host}`], server)
    return pathOf(bed, client, server)
  },
})

/** `vpc`, for its ratios to the others. */
export const vpcNat: Peer = { name: 'vpc', scopes: ['same-host'], hasEntries: false, upSeconds: 1, up: ours }
/** Ours without NAT: what NAT costs. */
export const vpcRouted: Peer = { name: 'vpc-routed', scopes: ['same-host'], hasEntries: false, upSeconds: 1, up: oursRouted }
export const kernelRouter = kernel('kernel-router', '')
export const kernelNat = kernel(
  'kernel-nat',
  `table ip vpcbench {
  chain post {
    type nat hook postrouting priority 100;
    oifname ${wireDevice} masquerade
  }
}`,
)
