/** Parents of a new resource that nobody names: the account of its subnet, or the only one that there is. */
import type { Resource } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import { usageFailure } from '../failure.ts'
import type { ApiClient } from './api-client.ts'

type Body = Readonly<Record<string, unknown>>

/** Fields that a small cloud has one of. */
const names = ['account', 'facility', 'region', 'org'] as const

/** What is missing of the body. Throws a Failure that names the option when it cannot be told. */
export async function parentsFor(client: ApiClient, kind: Kind, body: Body): Promise<Body> {
  const found: Record<string, unknown> = {}
  for (const name of names)
    if (kind.fields[name]?.required === true && body[name] === undefined)
      found[name] = (name === 'account' ? await accountOfSubnet(client, body.subnet) : undefined) ?? (await only(client, kind, name))
  return found
}

async function accountOfSubnet(client: ApiClient, name: unknown): Promise<unknown> {
  if (typeof name !== 'string') return undefined
  const subnet = await client.ask('GET', `/subnets/${encodeURIComponent(name)}`)
  // A wrong subnet is the API's to refuse, with what is wrong about it.
  const vpc = subnet.status === 200 ? await client.ask('GET', `/vpcs/${(subnet.body as Resource).vpc}`) : undefined
  return vpc?.status === 200 ? (vpc.body as Resource).account : undefined
}

async function only(client: ApiClient, { kind }: Kind, name: string): Promise<string> {
  const { status, body } = await client.ask('GET', `/${kindOf(name).plural}?limit=20`)
  const all = status === 200 ? (body as { items: Resource[] }).items : []
  if (all.length === 1) return all[0]!.id
  const known = all.length === 0 ? '' : `; there are ${all.map((each) => each.name).join(', ')}`
  throw usageFailure(`--${name} is required: name the ${name} of the ${kind}${known}`)
}
