/**
 * A guest and a server on a wire of its host, with source NAT in between: ours, beside the kernel's router with
 * nftables, and without NAT.
 */
import { generateId } from '#abi/id.ts'
import type { Bed, Namespace } from '../bed.ts'
import { plan, type Conditions, type Path, type Peer } from '../peer.ts'
import { guest } from '../topology.ts'
import { makeSwitch, plugGuest, startVpcd } from './vpc.ts'

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

async function ours(bed: Bed, conditions: Conditions): Promise<Path> {
  const host = bed.namespace('h1')
  const server = outside(bed, host, conditions.mtu)
  const vpc = await startVpcd(bed, host)
  const switchId = await makeSwitch(vpc)
  await using router = await vpc.openRouter(generateId('vpcrtr'), { create: true })
  await router.setRoutes(['0.0.0.0/0 igw'])
  await using subnet = await vpc.openSubnet(generateId('subnet'), { create: true })
  await subnet.setVni(plan.vni)
  await subnet.setPrefix4(`10.99.0.0/${plan.network}`)
  await subnet.setGateway4(gateway)
  await subnet.setSwitch(switchId)
  await subnet.setRouter(router.id)
  await using ethlink = await vpc.openEthlink(generateId('ethlink'), { create: true })
  await ethlink.connect(wireDevice)
  await using nat = await vpc.openNat(generateId('vpcnat'), { create: true })
  await nat.setRouter(router.id)
  await nat.setPool([wire.network])
  await nat.setPrefix4(wire.network)
  await nat.setEthlink(ethlink.id)
  await nat.setShared([wire.host])
  for (const object of [router, subnet, ethlink, nat]) await object.commit()
  return pathOf(bed, await plugGuest(bed, vpc, switchId, host, 0, conditions), server)
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
