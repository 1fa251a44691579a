/** ADD: gives a container an interface of the cloud. */
import { addressing, handOver, plugHere, unitIdOf } from '#cli/cloud/attach-vnic.ts'
import { thisHost } from '#cli/this-host.ts'
import { allOrNothing } from '#cli/undo.ts'
import { Vpc } from '#client/vpc.ts'
import type { Resource } from '#resource/envelope.ts'
import { clientOf, subnetOf, vnicFor } from './cloud.ts'
import { CniError, errorCode } from './error.ts'
import { finishAside } from './finish.ts'
import type { Attachment, NetworkConfig } from './invocation.ts'
import { netnsOf } from './netns.ts'
import { resultOf, type Result } from './result.ts'
import { forget, isNoted, note, noteAttached } from './unfinished.ts'
import { vnicNameOf } from './vnic-of.ts'

/** Seconds that this host and others have to plug it in. */
const plugSeconds = 30

/**
 * Do it, or leave nothing. Repeating it changes nothing and gives the same. `known`: the subnet of the configuration,
 * where somebody has looked its name up already.
 */
export async function add(config: NetworkConfig, attachment: Attachment, netns: string, known?: Resource): Promise<Result> {
  if (config.prevResult !== undefined)
    throw new CniError(errorCode.invalidConfig, 'vpc-cni makes an interface; it is the first plugin of its list')
  const place = netnsOf(netns)
  const { id: host } = await thisHost(config.agentStateDir)
  const client = clientOf(config)
  const subnet = known ?? (await subnetOf(client, config))
  const { body: home } = await client.must<Resource>('find its vpc', 'GET', `/vpcs/${subnet.vpc}`)
  const result = await allOrNothing(async (undo) => {
    const name = vnicNameOf(config.name, attachment)
    // Before it is looked for: who removes what is noted looks again before each step.
    if (isNoted(config.stateDir, config.name, name)) undo.push(`note vnic ${name}`, async () => note(config, name))
    forget(config.stateDir, config.name, name)
    const vnic = await vnicFor(client, config, attachment, { subnet, account: home.account, host, undo })
    await plugHere(client, vnic, { host, unit: 'hostif' }, plugSeconds, undo)
    const { addresses, gateways } = await addressing(client, vnic, subnet)
    const guest = {
      netns: place,
      name: attachment.ifname,
      ...(addresses.length > 0 && { addresses }),
      ...(gateways.length > 0 && { gateways }),
    }
    const vpc = new Vpc({ ...(config.socket !== undefined && { socketPath: config.socket }) })
    const id = unitIdOf(vnic, 'hostif')
    const { mtuBytes: mtu } = await handOver(vpc, id, guest, undo)
    noteAttached(config, name)
    const dns = gateways.length === 0 ? {} : dnsOf(home, subnet)
    return resultOf(config.cniVersion, { name: attachment.ifname, mac: vnic.mac as string, mtu, netns, addresses, gateways, dns })
  })
  await finishAside(config)
  return result
}

interface Dns {
  readonly nameservers?: readonly string[]
  readonly domain?: string
  readonly search?: readonly string[]
}

/** What DHCP would tell a guest about names: the servers of the vpc, or else the resolver of the subnet. */
function dnsOf({ dns }: Resource, { resolver, dhcp }: Resource): Dns {
  const { name, servers = [] } = (dns ?? {}) as { name?: string; servers?: string[] }
  const { search = [] } = (dhcp ?? {}) as { search?: string[] }
  const nameservers = servers.length > 0 ? servers : resolver === true ? ['169.254.169.253'] : []
  return {
    ...(nameservers.length > 0 && { nameservers }),
    ...(name !== undefined && name !== null && { domain: name }),
    ...(search.length > 0 && { search }),
  }
}
