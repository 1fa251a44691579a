/** The plugin's way to the cloud: who it is there, and the vnic of a container's interface. */
import { readFileSync } from 'node:fs'
import { ApiClient, refusal } from '#cli/cloud/api-client.ts'
import { currentContext } from '#cli/cloud/contexts.ts'
import { hostTrust } from '#cli/up/host-trust.ts'
import type { Undo } from '#cli/undo.ts'
import type { Resource } from '#resource/envelope.ts'
import { CniError, errorCode } from './error.ts'
import type { Attachment, NetworkConfig } from './invocation.ts'
import { hostLabel, networkLabel, vnicNameOf } from './vnic-of.ts'

/** The API, as the configuration names it. Throws when nobody is logged in. */
export function clientOf({
  context,
  server,
  tokenFile,
  ca,
  agentStateDir,
}: Pick<NetworkConfig, 'context' | 'server' | 'tokenFile' | 'ca' | 'agentStateDir'>): ApiClient {
  if (server === undefined || tokenFile === undefined) return new ApiClient(currentContext(context))
  const trust = ca === undefined ? hostTrust(server, agentStateDir) : { ca }
  return new ApiClient({ server, token: readFileSync(tokenFile, 'utf8').trim(), ...trust })
}

/** The subnet of the configuration. */
export const subnetOf = async (client: ApiClient, { subnet }: NetworkConfig): Promise<Resource> =>
  (await client.must<Resource>(`find subnet ${subnet}`, 'GET', `/subnets/${encodeURIComponent(subnet)}`)).body

/** The vnic of a name; undefined: there is none. */
export const findVnic = (client: ApiClient, name: string): Promise<Resource | undefined> =>
  client.find(`find vnic ${name}`, `/vnics/${name}`)

/** The vnic of an attachment, made if it is not there. */
export async function vnicFor(
  client: ApiClient,
  config: NetworkConfig,
  attachment: Attachment,
  { subnet, account, host, undo }: { readonly subnet: Resource; readonly account: unknown; readonly host: string; readonly undo: Undo },
): Promise<Resource> {
  const name = vnicNameOf(config.name, attachment)
  const there = await findVnic(client, name)
  if (there !== undefined) {
    if (there.subnet === subnet.id) return there
    throw new CniError(errorCode.conflict, `vnic ${name} of this interface is in another subnet than ${config.subnet}; DEL it first`)
  }
  const { groups, ips, mac } = config
  const body = {
    name,
    account,
    subnet: subnet.id,
    description: `${attachment.ifname} of container ${attachment.containerId}`.slice(0, 512),
    labels: { [networkLabel]: config.name, [hostLabel]: host },
    ...(groups.length > 0 && { groups }),
    ...(ips.length > 0 && { addresses: ips }),
    ...(mac !== undefined && { mac }),
  }
  const made = (await client.must<Resource>(`create vnic ${name}`, 'POST', '/vnics', body)).body
  undo.push(`destroy vnic ${name}`, () => removeVnic(client, name))
  return made
}

/** Seconds that a DEL gives its host to remove the interface. */
const removeSeconds = 5

/**
 * Unplug a vnic and destroy it. Gives whether it was there: that it is not is no error. `isWanted` is asked before each
 * step: one that is wanted again stays.
 */
export async function removeVnic(client: ApiClient, name: string, isWanted: () => boolean = () => false): Promise<boolean> {
  const vnic = await findVnic(client, name)
  if (vnic === undefined) return false
  if (isWanted()) return true
  if (vnic.binding !== null) {
    const unplugged = await client.ask('DELETE', `/vnics/${vnic.id}/binding?wait=ready&timeout=${removeSeconds}s`)
    if (unplugged.status >= 400 && unplugged.status !== 404) throw refusal(`unplug vnic ${name}`, unplugged)
    if (isWanted()) return true
  }
  const answer = await client.ask('DELETE', `/vnics/${vnic.id}`)
  if (answer.status >= 400 && answer.status !== 404) throw refusal(`destroy vnic ${name}`, answer)
  return true
}

/** The vnics of this network that this host has, or was about to have. */
export async function vnicsHere(client: ApiClient, { name }: NetworkConfig, host: string): Promise<Resource[]> {
  const all = await client.list(`list the vnics of network ${name}`, 'vnics', new URLSearchParams({ label: `${networkLabel}=${name}` }))
  return all.filter(({ binding, labels }) => ((binding as { host: string } | null)?.host ?? labels[hostLabel]) === host)
}
