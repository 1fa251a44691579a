/** The resources that `vpc up` makes in a new cloud, so that a person can begin: all are called `default`. */
import { hostname, networkInterfaces } from 'node:os'
import { isName, type Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { refusal, type ApiClient } from '../cloud/api-client.ts'

/** Make a resource, unless one of this name is there. */
async function ensure(client: ApiClient, kind: string, name: string, body: object = {}): Promise<Resource> {
  const { plural } = kindOf(kind)
  const answer = await client.ask('POST', `/${plural}`, { name, ...body })
  if (answer.status < 400) return answer.body as Resource
  const holder = (answer.body as { users?: { id: string }[] } | undefined)?.users?.[0]?.id
  if (answer.status !== 409 || holder === undefined) throw refusal(`create ${kind} ${name}`, answer)
  return (await client.must<Resource>(`show ${kind} ${name}`, 'GET', `/${plural}/${holder}`)).body
}

/** This machine's name, as far as it can name a host. */
export function hostNameHere(): string {
  const name = hostname().split('.')[0]!.toLowerCase()
  return isName(name) ? name : 'host'
}

/** Whether an address that the cloud has for this host is still one of this machine. */
function hasUnderlayHere({ underlay }: Resource): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return (underlay as { address: string }[]).some(({ address }) => own.some((each) => each.address === address))
}

/** Where hosts stand, and the account, vpc and subnet that people begin with. Gives the host. */
export async function ensureFirst(client: ApiClient, hostName: string, address: string): Promise<Resource> {
  const region = await ensure(client, 'region', 'default')
  const facility = await ensure(client, 'facility', 'default', { region: region.id })
  const org = await ensure(client, 'org', 'default')
  const account = await ensure(client, 'account', 'default', { org: org.id })
  const vpc = await ensure(client, 'vpc', 'default', { account: account.id })
  await ensure(client, 'subnet', 'default', { vpc: vpc.id, network4: '10.0.0.0/24', network6: 'auto', dhcp: {} })
  const underlay = address === '127.0.0.1' ? {} : { underlay: [{ address, port: 4789 }] }
  const host = await ensure(client, 'host', hostName, { facility: facility.id, ...underlay })
  if (address === '127.0.0.1' || hasUnderlayHere(host)) return host
  return (await client.must<Resource>(`say where host ${hostName} is`, 'PATCH', `/hosts/${host.id}`, underlay, { 'if-match': '*' })).body
}
