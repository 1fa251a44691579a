/**
 * A plugin of netavark, the network program of podman 5: `create`, `setup NETNS`, `teardown NETNS` and `info`, with
 * JSON on standard input and output. A network is a switch of this host, or a subnet of the cloud.
 */
import { readFileSync } from 'node:fs'
import { add } from '#cni/add.ts'
import { del } from '#cni/del.ts'
import { readConfig, versions, type NetworkConfig } from '#cni/invocation.ts'
import { netnsOf } from '#cni/netns.ts'
import { Failure } from '#cli/failure.ts'
import { switchOfName } from '#cli/given-name.ts'
import { attach, detach } from '#cli/local-attachment.ts'
import { packageVersion } from '#cli/package-version.ts'
import { allOrNothing } from '#cli/undo.ts'
import { hostConfig, hostConfigPath, namesIn, vpcdOf } from './host-config.ts'
import { messageOf } from './message-of.ts'

interface Network {
  readonly name: string
  readonly options?: Readonly<Record<string, string>> | null
  readonly subnets?: readonly { readonly subnet: string; readonly gateway?: string | null }[] | null
  readonly ipam_options?: Readonly<Record<string, string>> | null
}

/** What `setup` and `teardown` are told. */
interface Request {
  readonly container_id: string
  readonly network: Network
  readonly network_options: {
    readonly interface_name: string
    readonly static_ips?: readonly string[] | null
    readonly static_mac?: string | null
  }
}

const known = ['vpc.switch', 'vpc.subnet', 'vpc.groups', 'vpc.routed']

/** Serve one invocation. Returns the exit code once the answer is written; never throws. */
export async function main([command = '', netns = '']: readonly string[]): Promise<number> {
  try {
    const answer = await run(command, netns)
    if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`)
    return 0
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`)
    return 1
  }
}

async function run(command: string, netns: string): Promise<unknown> {
  if (command === 'info') return { version: packageVersion(), api_version: '1.0.0' }
  if (command === 'create') return create(input() as Network)
  if (command === 'setup') return setup(input() as Request, netns)
  if (command === 'teardown') return teardown(input() as Request)
  throw new Failure('usage', `podman starts this plugin with create, setup, teardown or info, not '${command.slice(0, 64)}'`)
}

const input = (): unknown => JSON.parse(readFileSync(0, 'utf8'))

interface Place {
  readonly switch: string | undefined
  readonly subnet: string | undefined
  readonly groups: readonly string[]
  readonly isRouted: boolean
}

/** Where a network is. Throws a Failure for options without a meaning. */
function placeOf({ options }: Network): Place {
  const own = options ?? {}
  const strange = Object.keys(own).find((key) => key.startsWith('vpc.') && !known.includes(key))
  if (strange !== undefined) throw new Failure('usage', `option ${strange} has no meaning; there are ${known.join(', ')}`)
  const { 'vpc.switch': sw, 'vpc.subnet': subnet, 'vpc.groups': groups, 'vpc.routed': routed } = own
  if ((sw === undefined) === (subnet === undefined))
    throw new Failure('usage', 'say where the network is: -o vpc.switch=NAME, or -o vpc.subnet=VPC/SUBNET')
  return { switch: sw, subnet, groups: namesIn(groups), isRouted: routed === 'true' }
}

/** An option that would do nothing on this network is a mistake. */
function refuseMisplaced({ options }: Network, place: Place): void {
  const { 'vpc.groups': groups, 'vpc.routed': routed } = options ?? {}
  if (place.switch !== undefined && groups !== undefined)
    throw new Failure('usage', 'vpc.groups is for a subnet of the cloud, and not for a switch of this host')
  if (place.subnet !== undefined && routed !== undefined)
    throw new Failure('usage', 'vpc.routed is for a switch of this host; in a subnet of the cloud its router says so')
  if (routed !== undefined && routed !== 'true') throw new Failure('usage', `vpc.routed is true or left out, not '${routed}'`)
}

/** Podman asks what to keep. The cloud chooses the addresses of its subnets; on a switch podman does. */
async function create(network: Network): Promise<Network> {
  const place = placeOf(network)
  refuseMisplaced(network, place)
  if (place.switch !== undefined) {
    if ((network.subnets ?? []).length === 0) throw new Failure('usage', 'give --subnet: podman chooses the addresses on a switch')
    await switchOfName(vpcdOf(hostConfigPath), place.switch)
    return { ...network, ipam_options: { ...network.ipam_options, driver: 'host-local' } }
  }
  if ((network.subnets ?? []).length > 0) throw new Failure('usage', 'leave --subnet out: the cloud chooses the addresses in vpc.subnet')
  return { ...network, ipam_options: { ...network.ipam_options, driver: 'none' } }
}

const attachmentOf = ({ container_id: containerId, network_options: { interface_name: ifname } }: Request) => ({ containerId, ifname })

function cniConfig({ network, network_options: { static_ips: ips, static_mac: mac } }: Request, { subnet, groups }: Place): NetworkConfig {
  const runtimeConfig = { ...(ips?.length && { ips }), ...(mac && { mac }) }
  return readConfig(
    JSON.stringify({ ...hostConfig(hostConfigPath), cniVersion: versions[0], name: network.name, subnet, groups, runtimeConfig }),
  )
}

/** What podman shows of an interface. */
interface Status {
  readonly interfaces: Readonly<
    Record<string, { readonly mac_address: string; readonly subnets: readonly { ipnet: string; gateway?: string }[] }>
  >
  readonly dns_server_ips?: readonly string[]
}

async function setup(request: Request, netns: string): Promise<Status> {
  const place = placeOf(request.network)
  if (place.switch !== undefined) return setUpOnSwitch(request, place, netns)
  const attachment = attachmentOf(request)
  const { interfaces, ips, dns } = await add(cniConfig(request, place), attachment, netns)
  const subnets = ips.map(({ address, gateway }) => ({ ipnet: address, ...(gateway !== undefined && { gateway }) }))
  const { nameservers = [] } = dns as { nameservers?: string[] }
  return { interfaces: { [attachment.ifname]: { mac_address: interfaces[0]!.mac, subnets } }, dns_server_ips: nameservers }
}

async function setUpOnSwitch(request: Request, { switch: sw, isRouted }: Place, netns: string): Promise<Status> {
  const { containerId, ifname } = attachmentOf(request)
  const { network, network_options: options } = request
  const isSix = (text: string): boolean => text.includes(':')
  const subnets = (options.static_ips ?? []).map((address) => {
    const { subnet, gateway } = (network.subnets ?? []).find((each) => isSix(each.subnet) === isSix(address)) ?? {}
    return { ipnet: `${address}/${subnet?.split('/')[1] ?? (isSix(address) ? 128 : 32)}`, ...(isRouted && gateway && { gateway }) }
  })
  const wanted = {
    key: `podman:${containerId}`,
    netns: netnsOf(netns),
    name: ifname,
    addresses: subnets.map(({ ipnet }) => ipnet),
    gateways: subnets.flatMap(({ gateway }) => gateway ?? []),
  }
  const vpc = vpcdOf(hostConfigPath)
  const id = await switchOfName(vpc, sw!)
  const { mac } = await allOrNothing((undo) => attach(vpc, id, wanted, undo))
  return { interfaces: { [ifname]: { mac_address: mac, subnets } } }
}

/** What is gone already is no error. */
async function teardown(request: Request): Promise<undefined> {
  const place = placeOf(request.network)
  const { containerId, ifname } = attachmentOf(request)
  if (place.switch === undefined) return del(cniConfig(request, place), attachmentOf(request)) as Promise<undefined>
  const vpc = vpcdOf(hostConfigPath)
  await detach(vpc, await switchOfName(vpc, place.switch), { key: `podman:${containerId}`, name: ifname })
  return undefined
}
