/** Networks of docker in a subnet of the cloud: an endpoint is a vnic, and the cloud chooses its addresses. */
import { clientOf, removeVnic } from '#cni/cloud.ts'
import type { ApiClient } from '#cli/cloud/api-client.ts'
import { addressing, plugHere, unitIdOf } from '#cli/cloud/attach-vnic.ts'
import { thisHost } from '#cli/this-host.ts'
import type { Undo } from '#cli/undo.ts'
import type { Resource } from '#resource/envelope.ts'
import { DriverError } from './message.ts'

/** The API, and which of its hosts this is. */
export interface CloudOptions {
  readonly context?: string | undefined
  readonly server?: string | undefined
  readonly tokenFile?: string | undefined
  readonly ca?: string | undefined
  readonly agentStateDir: string
  /** Name or id of this host, for a user who may not read the agent's directory. */
  readonly host?: string | undefined
}

/** What a vnic is like if it is made. */
interface WantedVnic {
  readonly mac: string
  readonly groups: readonly string[]
  readonly asked: string | undefined
}

interface AddressWish {
  readonly isSix: boolean
  readonly isMade: () => void
}

/** Seconds that this host and others have to plug a vnic in. */
const plugSeconds = 25
const hostLabel = 'docker-host'

/** Docker names an endpoint by its MAC address when it asks for an address. */
const vnicNameOf = (host: string, mac: string): string => `docker-${host.slice(0, 8)}-${mac.toLowerCase().replaceAll(':', '')}`

export class Cloud {
  readonly #options: CloudOptions
  constructor(options: CloudOptions) {
    this.#options = options
  }

  client(): ApiClient {
    const { context, server, tokenFile, ca, agentStateDir } = this.#options
    return clientOf({
      agentStateDir,
      ...(context !== undefined && { context }),
      ...(server !== undefined && { server }),
      ...(tokenFile !== undefined && { tokenFile }),
      ...(ca !== undefined && { ca }),
    })
  }

  async #host(client: ApiClient): Promise<string> {
    const { host, agentStateDir } = this.#options
    if (host === undefined) return (await thisHost(agentStateDir)).id
    return (await client.must<Resource>(`find host ${host}`, 'GET', `/hosts/${encodeURIComponent(host)}`)).body.id
  }

  /** What the vnic of a MAC address is called. */
  async vnicNameOf(mac: string): Promise<string> {
    return vnicNameOf(await this.#host(this.client()), mac)
  }

  /** A subnet by VPC/SUBNET or its id. */
  async subnet(name: string): Promise<Resource> {
    return (await this.client().must<Resource>(`find subnet ${name}`, 'GET', `/subnets/${encodeURIComponent(name)}`)).body
  }

  /**
   * An address of a family for the endpoint with a MAC address: that of its vnic, which is made for the first. `isMade`
   * is called before.
   */
  async address(subnet: string, { isSix, isMade, ...wanted }: WantedVnic & AddressWish): Promise<string> {
    const client = this.client()
    const host = await this.#host(client)
    const name = vnicNameOf(host, wanted.mac)
    let vnic = await client.find(`find vnic ${name}`, `/vnics/${name}`)
    if (vnic === undefined) {
      isMade()
      vnic = await this.#make(client, { name, subnet, host }, wanted)
    }
    if (vnic.subnet !== subnet)
      throw new DriverError(`vnic ${name} of MAC address ${wanted.mac} is in another subnet; give the container another --mac-address`)
    const { addresses } = await addressing(client, vnic)
    const own = addresses.find((each) => each.includes(':') === isSix)
    if (own === undefined) throw new DriverError(`vnic ${name} has no address of IPv${isSix ? 6 : 4}`)
    const { asked } = wanted
    if (asked !== undefined && own.split('/')[0] !== asked) throw new DriverError(`vnic ${name} has ${own}, and not ${asked}`)
    return own
  }

  async #make(
    client: ApiClient,
    { name, subnet, host }: { readonly name: string; readonly subnet: string; readonly host: string },
    { mac, groups, asked }: WantedVnic,
  ): Promise<Resource> {
    const home = (await client.must<Resource>('find its subnet', 'GET', `/subnets/${encodeURIComponent(subnet)}`)).body
    const vpc = (await client.must<Resource>('find its vpc', 'GET', `/vpcs/${home.vpc}`)).body
    const body = {
      name,
      account: vpc.account,
      subnet: home.id,
      mac,
      labels: { [hostLabel]: host },
      ...(groups.length > 0 && { groups }),
      ...(asked !== undefined && { addresses: [asked] }),
    }
    return (await client.must<Resource>(`create vnic ${name}`, 'POST', '/vnics', body)).body
  }

  /** Plug the vnic of a MAC address in here. */
  async plug(mac: string, undo: Undo): Promise<{ vnic: string; hostif: string; gateways: readonly string[] }> {
    const client = this.client()
    const host = await this.#host(client)
    const name = vnicNameOf(host, mac)
    const vnic = (await client.must<Resource>(`find vnic ${name}`, 'GET', `/vnics/${name}`)).body
    await plugHere(client, vnic, { host, unit: 'hostif' }, plugSeconds, undo)
    const { gateways } = await addressing(client, vnic)
    return { vnic: name, hostif: unitIdOf(vnic, 'hostif'), gateways }
  }

  /** Unplug a vnic and destroy it. */
  async remove(vnic: string): Promise<void> {
    await removeVnic(this.client(), vnic)
  }
}
