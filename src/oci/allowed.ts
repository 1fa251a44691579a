/** What annotations may name, where the host's file says so: who chooses annotations need not be its administrator. */
import { clientOf, subnetOf } from '#cni/cloud.ts'
import type { NetworkConfig } from '#cni/invocation.ts'
import type { ApiClient } from '#cli/cloud/api-client.ts'
import { Failure } from '#cli/failure.ts'

const keys = ['switches', 'accounts', 'vpcs', 'subnets', 'groups'] as const
type Key = (typeof keys)[number]
export type Allowed = Readonly<Partial<Record<Key, readonly string[]>>>

/** The list of a host's file; undefined: it has none, and annotations may name everything. Throws a Failure. */
export function allowedIn({ allow }: Readonly<Record<string, unknown>>, path: string): Allowed | undefined {
  if (allow === undefined) return undefined
  if (typeof allow !== 'object' || allow === null || Array.isArray(allow))
    throw new Failure('usage', `${path}: allow is a map with ${keys.join(', ')}`)
  for (const [key, value] of Object.entries(allow)) {
    if (!(keys as readonly string[]).includes(key)) throw new Failure('usage', `${path}: allow has no ${key}; it has ${keys.join(', ')}`)
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      throw new Failure('usage', `${path}: ${key} of allow is a list of names`)
  }
  return allow as Allowed
}

const refuse = (what: string, path: string, key: Key): Failure =>
  new Failure('denied', `annotations may not name ${what} on this host; ${path} says which ${key} they may, in allow`, {
    code: 'not-allowed',
  })

/** Throws a Failure unless annotations may name a switch, by this name. */
export function checkSwitch(allowed: Allowed | undefined, name: string, path: string): void {
  if (allowed !== undefined && !(allowed.switches ?? []).includes(name)) throw refuse(`switch ${name}`, path, 'switches')
}

type Subnet = Awaited<ReturnType<typeof subnetOf>>

/**
 * The same for a subnet of the cloud and groups there: the subnet is listed, or its vpc, or its account. Gives the
 * subnet, so that the name is looked up once; undefined: nobody has looked it up.
 */
export async function checkSubnet(allowed: Allowed | undefined, config: NetworkConfig, path: string): Promise<Subnet | undefined> {
  if (allowed === undefined) return undefined
  const { subnet: name, groups } = config
  const listed = allowed.groups
  const group = listed && groups.find((each) => !listed.includes(each))
  if (group !== undefined) throw refuse(`group ${group}`, path, 'groups')
  const client = clientOf(config)
  const subnet = await subnetOf(client, config)
  const vpc = String(subnet.vpc)
  // The same words name the same subnet.
  if (allowed.subnets?.includes(name) || (await isListed(client, 'subnets', allowed.subnets, subnet.id))) return subnet
  if (await isListed(client, 'vpcs', allowed.vpcs, vpc)) return subnet
  const { account } = (await client.must<{ account: string }>('find its vpc', 'GET', `/vpcs/${vpc}`)).body
  if (await isListed(client, 'accounts', allowed.accounts, account)) return subnet
  throw refuse(`subnet ${name}`, path, 'subnets')
}

/** Whether one of some names is that of an id. The API says whose name it is; one that nothing has allows nothing. */
async function isListed(client: ApiClient, plural: string, names: readonly string[] = [], id: string): Promise<boolean> {
  for (const name of names)
    if (name === id || (await client.find(`find ${name}`, `/${plural}/${encodeURIComponent(name)}`))?.id === id) return true
  return false
}
