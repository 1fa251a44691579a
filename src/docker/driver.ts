/** The calls of docker's plugin protocol, as a network driver and as an IPAM driver. */
import type { Id } from '#abi/id.ts'
import { untilThere } from '#cli/cloud/attach-vnic.ts'
import { allOrNothing } from '#cli/undo.ts'
import type { Vpc } from '#client/vpc.ts'
import type { Cloud } from './cloud-network.ts'
import type { Leftovers } from './leftovers.ts'
import { DriverError, idIn, mapIn, optionalText, ownOptions, textIn, type Json } from './message.ts'
import { hasEndpoint, type Endpoint, type Network, type State } from './state.ts'
import type { Unused } from './unused.ts'
import { plugEndpoint, removeSwitch, switchFor, unplugEndpoint } from './switch-network.ts'

export interface Driver {
  readonly vpc: Vpc
  readonly cloud: Cloud
  readonly state: State
  readonly leftovers: Leftovers
  readonly unused: Unused
}

type Call = (driver: Driver, request: Json) => Promise<object> | object

const networkOptions = ['vpc.switch', 'vpc.vni', 'vpc.routed']
const poolOptions = ['vpc.subnet', 'vpc.groups']
/** Docker says with it that the addresses of a network come from here. */
const addressSpace = 'vpc'
const isSix = (text: string): boolean => text.includes(':')
const bare = (text: string): string => text.split('/')[0]!

/** Name of the method, as its path has it, and what it does. */
export const calls: Readonly<Record<string, Call>> = {
  'Plugin.Activate': () => ({ Implements: ['NetworkDriver', 'IpamDriver'] }),
  'NetworkDriver.GetCapabilities': () => ({ Scope: 'local', ConnectivityScope: 'global' }),
  'NetworkDriver.CreateNetwork': createNetwork,
  'NetworkDriver.DeleteNetwork': deleteNetwork,
  'NetworkDriver.CreateEndpoint': createEndpoint,
  'NetworkDriver.DeleteEndpoint': deleteEndpoint,
  'NetworkDriver.EndpointOperInfo': () => ({ Value: {} }),
  'NetworkDriver.Join': join,
  // Docker moves the interface back, and DeleteEndpoint comes.
  'NetworkDriver.Leave': () => ({}),
  'NetworkDriver.DiscoverNew': () => ({}),
  'NetworkDriver.DiscoverDelete': () => ({}),
  'NetworkDriver.ProgramExternalConnectivity': () => ({}),
  'NetworkDriver.RevokeExternalConnectivity': () => ({}),
  'IpamDriver.GetCapabilities': () => ({ RequiresMACAddress: true, RequiresRequestReplay: false }),
  'IpamDriver.GetDefaultAddressSpaces': () => ({ LocalDefaultAddressSpace: addressSpace, GlobalDefaultAddressSpace: addressSpace }),
  'IpamDriver.RequestPool': requestPool,
  'IpamDriver.ReleasePool': () => ({}),
  'IpamDriver.RequestAddress': requestAddress,
  'IpamDriver.ReleaseAddress': releaseAddress,
}

async function createNetwork({ vpc, state }: Driver, request: Json): Promise<object> {
  const id = idIn(request, 'NetworkID')
  const own = ownOptions(mapIn(mapIn(request, 'Options'), 'com.docker.network.generic'), networkOptions)
  const { 'vpc.switch': name, 'vpc.vni': vni, 'vpc.routed': routed } = own
  const data = addressData(request)
  if (data.some(({ AddressSpace: space }) => space === addressSpace)) {
    if (Object.keys(own).length > 0)
      throw new DriverError(`${Object.keys(own)[0]} is for a switch of this host, and not for a subnet of the cloud`)
    state.networks.put(id, { on: 'cloud', gateways: [] })
    return {}
  }
  if (name === undefined && vni === undefined)
    throw new DriverError('say where it is: -o vpc.switch=NAME, -o vpc.vni=NUMBER, or --ipam-driver=vpc --ipam-opt vpc.subnet=VPC/SUBNET')
  if (routed !== undefined && routed !== 'true') throw new DriverError(`vpc.routed is true or left out, not '${routed}'`)
  const on = await switchFor(vpc, id, { name, vni })
  const gateways = data.flatMap((each) => optionalText(each, 'Gateway') ?? []).map(bare)
  state.networks.put(id, { on, gateways: routed === undefined ? [] : gateways })
  return {}
}

/** Networks and gateways of both families. */
const addressData = (request: Json): Json[] =>
  ['IPv4Data', 'IPv6Data'].flatMap((key) => (Array.isArray(request[key]) ? (request[key] as Json[]) : []))

async function deleteNetwork({ vpc, state }: Driver, request: Json): Promise<object> {
  const id = idIn(request, 'NetworkID')
  const network = state.networks.get(id)
  if (network !== undefined && network.on !== 'cloud') await removeSwitch(vpc, network.on)
  state.networks.remove(id)
  return {}
}

function networkOf({ state }: Driver, request: Json): Network {
  const id = idIn(request, 'NetworkID')
  const network = state.networks.get(id)
  if (network !== undefined) return network
  throw new DriverError(`network ${id.slice(0, 12)} is unknown here; remove it with docker network rm, and create it again`)
}

async function createEndpoint(driver: Driver, request: Json): Promise<object> {
  const { vpc, cloud, state, unused } = driver
  const network = networkOf(driver, request)
  const id = idIn(request, 'EndpointID')
  const wanted = mapIn(request, 'Interface')
  const mac = optionalText(wanted, 'MacAddress')
  const addresses = [optionalText(wanted, 'Address'), optionalText(wanted, 'AddressIPv6')].flatMap((each) => each ?? []).map(bare)
  const base = { network: idIn(request, 'NetworkID') }
  return allOrNothing(async (undo) => {
    if (network.on === 'cloud') {
      const vnic = await cloud.vnicNameOf(textIn(wanted, 'MacAddress'))
      undo.push('wait for docker to give it back', async () => unused.note(vnic))
      await keep(driver, vnic)
      const { gateways, ...plugged } = await cloud.plug(textIn(wanted, 'MacAddress'), undo)
      // Docker takes a gateway of a family only for a container with an address of it.
      const reachable = gateways.filter((gateway) => addresses.some((address) => isSix(address) === isSix(gateway)))
      state.endpoints.put(id, { ...base, ...plugged, gateways: reachable })
      // Only now: a driver that is killed before leaves the note.
      unused.forget(vnic)
      return { Interface: {} }
    }
    const made = await plugEndpoint(vpc, network.on, { id, addresses, mac }, undo)
    state.endpoints.put(id, { ...base, hostif: made.hostif, port: made.port, gateways: network.gateways })
    return { Interface: mac === undefined ? { MacAddress: made.mac } : {} }
  })
}

/** Docker wants a vnic: nothing removes it for the next 90 s, and what does so already has done it. */
async function keep({ leftovers, unused }: Driver, vnic: string): Promise<void> {
  unused.note(vnic)
  await leftovers.claim(vnic)
}

async function deleteEndpoint({ vpc, state, leftovers }: Driver, request: Json): Promise<object> {
  const id = idIn(request, 'EndpointID')
  const endpoint = state.endpoints.get(id)
  if (endpoint === undefined) return {}
  const on = state.networks.get(endpoint.network)?.on
  if (endpoint.vnic !== undefined) await leftovers.remove(endpoint.vnic)
  else if (on !== undefined && on !== 'cloud') await unplugEndpoint(vpc, on, endpoint)
  state.endpoints.remove(id)
  return {}
}

/** Docker moves the interface into the container, and gives it its name and addresses. */
async function join({ vpc, state }: Driver, request: Json): Promise<object> {
  const endpoint: Endpoint | undefined = state.endpoints.get(idIn(request, 'EndpointID'))
  if (endpoint === undefined)
    throw new DriverError('this endpoint is unknown here; disconnect the container from the network and connect it again')
  await using hostif = await untilThere(() => vpc.openHostif(endpoint.hostif as Id, { write: false }))
  const { unit } = await hostif.describe()
  const gateway = endpoint.gateways.find((each) => !isSix(each))
  const gateway6 = endpoint.gateways.find(isSix)
  return {
    InterfaceName: { SrcName: unit, DstPrefix: 'eth' },
    ...(gateway !== undefined && { Gateway: gateway }),
    ...(gateway6 !== undefined && { GatewayIPv6: gateway6 }),
    // Without it docker would add an interface on a bridge of its own.
    DisableGatewayService: true,
  }
}

async function requestPool({ cloud }: Driver, request: Json): Promise<object> {
  const { 'vpc.subnet': name, 'vpc.groups': groups = '' } = ownOptions(mapIn(request, 'Options'), poolOptions)
  if (name === undefined) throw new DriverError('say whose addresses: --ipam-opt vpc.subnet=VPC/SUBNET')
  const six = request.V6 === true
  const subnet = await cloud.subnet(name)
  const [pool, gateway] = (six ? [subnet.network6, subnet.gateway6] : [subnet.network4, subnet.gateway4]) as (string | null)[]
  if (typeof pool !== 'string') throw new DriverError(`subnet ${name} has no network of IPv${six ? 6 : 4}`)
  const asked = optionalText(request, 'Pool')
  if (asked !== undefined && asked !== pool) throw new DriverError(`subnet ${name} is ${pool}, not ${asked}; leave --subnet out`)
  const data = typeof gateway === 'string' ? { 'com.docker.network.gateway': `${gateway}/${pool.split('/')[1]}` } : {}
  return { PoolID: `${subnet.id}/${six ? 6 : 4}/${groups}`, Pool: pool, Data: data }
}

async function requestAddress(driver: Driver, request: Json): Promise<object> {
  const { cloud, leftovers, unused, state } = driver
  const [subnet, family, groups = ''] = textIn(request, 'PoolID').split('/')
  const options = mapIn(request, 'Options')
  if (options.RequestAddressType === 'com.docker.network.gateway') throw new DriverError('the subnet of the cloud has no gateway')
  const mac = optionalText(options, 'com.docker.network.endpoint.macaddress')
  if (mac === undefined) throw new DriverError('docker has not said the MAC address of the endpoint')
  const vnic = await cloud.vnicNameOf(mac)
  await keep(driver, vnic)
  try {
    return await allOrNothing(async (undo) => {
      const address = await cloud.address(subnet!, {
        mac,
        groups: groups.split(',').filter((each) => each !== ''),
        isSix: family === '6',
        asked: optionalText(request, 'Address'),
        // Docker gives back no address that it has not got.
        isMade: () => undo.push(`destroy vnic ${vnic}`, () => leftovers.remove(vnic)),
      })
      state.addresses.put(addressKey(subnet!, address), { vnic })
      return { Address: address, Data: {} }
    })
  } finally {
    // Docker may have given up by now.
    unused.note(vnic)
  }
}

/** Another vpc may have the same address. */
const addressKey = (subnet: string, address: string): string => `${subnet}-${bare(address)}`

/** After DeleteEndpoint, which has removed its vnic or noted it; or no endpoint came about. */
async function releaseAddress({ state, leftovers, unused }: Driver, request: Json): Promise<object> {
  const [subnet] = textIn(request, 'PoolID').split('/')
  const key = addressKey(subnet!, textIn(request, 'Address'))
  const vnic = state.addresses.get(key)?.vnic
  if (vnic === undefined) return {}
  if (!hasEndpoint(state, vnic) && !leftovers.has(vnic)) await leftovers.remove(vnic)
  unused.forget(vnic)
  state.addresses.remove(key)
  return {}
}
